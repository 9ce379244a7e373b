using System.Diagnostics;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Backups;

/// <summary>
/// One moment of the whole cluster, marked in the WAL of every node: nodes that are all restored to it agree with each other, for no
/// transaction that spans nodes was half-way through then.
/// </summary>
/// <param name="Name">Its name on every node; it ends with the time.</param>
/// <param name="Time">When it was made, by the coordinator's clock.</param>
public sealed record ClusterRestorePoint(string Name, DateTimeOffset Time)
{
    // "Restore" in ASCII: two that make a point at once take turns, so that their names differ.
    private const long LockKey = 0x526573746f7265;

    // Below the second (deadlock_timeout) after which a writer that waits for this looks for deadlocks, and would be the one to fail.
    private const string LockTimeout = "800ms";

    private static readonly TimeSpan LockDeadline = TimeSpan.FromSeconds(30);

    // Below the 5 s that a statement of the API may take: writers wait that long and then go on.
    private static readonly TimeSpan HoldDeadline = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Makes a restore point on every node. Writers wait for less than a second as a rule; readers do not. It can be restored once
    /// each node has archived it: see <see cref="WalArchiver.ArchiveAsync"/>.
    /// </summary>
    /// <param name="coordinator">An administrator's connection to the coordinator's DineHub database.</param>
    /// <param name="engine">The engine that keeps the data.</param>
    /// <param name="workers">An administrator's connection to each worker, open.</param>
    /// <param name="label">What the name begins with: a letter, then letters, digits, - and _; at most 43. The time is added.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="FormatException">The label cannot begin a name.</exception>
    /// <exception cref="BackupException">Writes did not pause, or a worker did not answer; it may be tried again.</exception>
    /// <exception cref="NpgsqlException">A node does not answer, or refused a statement.</exception>
    public static async Task<ClusterRestorePoint> CreateAsync(
        NpgsqlConnection coordinator, EngineChoice engine, IReadOnlyList<NpgsqlConnection> workers, string label, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(workers);
        _ = Named(label, DateTimeOffset.UnixEpoch);
        return engine switch
        {
            EngineChoice.Citus => await CreateAsync([coordinator, .. workers], PauseTwoPhaseCommitsAsync, coordinator, workers, label, ct),
            EngineChoice.Postgres => await CreateAsync([coordinator], PauseWritesAsync, coordinator, workers, label, ct),
            _ => throw new ArgumentOutOfRangeException(nameof(engine), engine, "The engine must be one that keeps data."),
        };
    }

    // A rollback takes no restore point back.
    private static async Task<ClusterRestorePoint> CreateAsync(
        IReadOnlyList<NpgsqlConnection> paused,
        Func<IReadOnlyList<NpgsqlConnection>, CancellationToken, Task> pause,
        NpgsqlConnection coordinator,
        IReadOnlyList<NpgsqlConnection> workers,
        string label,
        CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var transactions = new List<NpgsqlTransaction>();
            try
            {
                foreach (var node in paused)
                {
                    transactions.Add(await node.BeginTransactionAsync(ct));
                }

                if (await TryPauseAsync(paused, pause, ct))
                {
                    return await CreateWhilePausedAsync(coordinator, workers, label, ct);
                }
            }
            finally
            {
                foreach (var transaction in transactions)
                {
                    await transaction.DisposeAsync();
                }
            }

            if (clock.Elapsed > LockDeadline)
            {
                throw new BackupException(
                    $"Writes did not pause within {LockDeadline.TotalSeconds:0} s: a transaction stays open (pg_stat_activity shows it, on Citus on any node). Try again.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(500, 1500)), ct);
        }
    }

    // A deadlock is possible if the lock's holder waits for this session: the attempt gives up and is repeated.
    private static async Task<bool> TryPauseAsync(
        IReadOnlyList<NpgsqlConnection> paused, Func<IReadOnlyList<NpgsqlConnection>, CancellationToken, Task> pause, CancellationToken ct)
    {
        try
        {
            await Task.WhenAll(paused.Select(node => node.ExecuteAsync($"SET LOCAL statement_timeout = '{LockTimeout}'", ct)));
            await paused[0].ExecuteAsync("SELECT pg_advisory_xact_lock($1)", ct, LockKey);
            await pause(paused, ct);
            await Task.WhenAll(paused.Select(node => node.ExecuteAsync("SET LOCAL statement_timeout = 0", ct)));
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
            || CitusErrors.MeaningOf(e) == CitusFailure.LockOrConnection)
        {
            ct.ThrowIfCancellationRequested();
            return false;
        }
    }

    // Every write goes through the coordinator and locks the table that it names there, until after the worker has committed. The
    // partitions need no lock: nothing names them.
    private static Task<int> PauseWritesAsync(IReadOnlyList<NpgsqlConnection> nodes, CancellationToken ct) =>
        nodes[0].ExecuteAsync(
            """
            DO $do$ BEGIN
              EXECUTE (
                SELECT 'LOCK TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, c.relname), ', ' ORDER BY c.relname) || ' IN SHARE MODE'
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition);
            END $do$
            """, ct);

    // citus_create_restore_point locks these tables on the coordinator alone, "under the assumption that there are no other writers than the
    // coordinator" (Citus 13.2, citus_create_restore_point.c): backends enter at workers. The node that is entered writes to
    // pg_dist_transaction before it prepares (LogTransactionRecord) and keeps that lock until all have committed, so nothing is between
    // the two phases while it is locked on every node. What is committed in one phase is on one node.
    private static async Task PauseTwoPhaseCommitsAsync(IReadOnlyList<NpgsqlConnection> nodes, CancellationToken ct)
    {
        await nodes[0].ExecuteAsync("LOCK TABLE pg_dist_node, pg_dist_partition, pg_dist_transaction IN EXCLUSIVE MODE", ct);
        var workers = await nodes[0].ScalarAsync<long>("SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND groupid <> 0", ct);
        if (workers != nodes.Count - 1)
        {
            throw new BackupException($"Citus has {workers} workers and Database:Nodes has {nodes.Count - 1}: run 'db migrate', or set Database:Nodes to what Citus has.");
        }

        await Task.WhenAll(nodes.Skip(1).Select(node => node.ExecuteAsync("LOCK TABLE pg_dist_transaction IN EXCLUSIVE MODE", ct)));
    }

    private static async Task<ClusterRestorePoint> CreateWhilePausedAsync(
        NpgsqlConnection coordinator, IReadOnlyList<NpgsqlConnection> workers, string label, CancellationToken ct)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(HoldDeadline);
        try
        {
            var point = await NameAsync(coordinator, label, limited.Token);
            await Task.WhenAll(workers.Append(coordinator).Select(node => node.ExecuteAsync("SELECT pg_create_restore_point($1)", limited.Token, point.Name)));
            return point;
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new BackupException($"Not all nodes wrote the restore point within {HoldDeadline.TotalSeconds:0} s; writes go on without it. Try again.", e);
        }
    }

    private static async Task<ClusterRestorePoint> NameAsync(NpgsqlConnection coordinator, string label, CancellationToken ct)
    {
        var now = new DateTimeOffset(await coordinator.ScalarAsync<DateTime>("SELECT clock_timestamp()", ct));
        return Named(label, now);
    }

    private static ClusterRestorePoint Named(string label, DateTimeOffset time)
    {
        var target = RestoreTarget.PointAt(label, time);
        return new ClusterRestorePoint(target.Name!, target.PointTime()!.Value);
    }
}
