using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>One verb's turn at moving shards: at most one has it in a cluster, and what an interrupted one left behind is cleaned up.</summary>
internal sealed class GrowthSession : IAsyncDisposable
{
    private const long LockKey = NodeSetup.LockKey + 1;

    private const string NeedsCitus =
        "The data is kept by stock PostgreSQL, whose partitions stay where they are: adding and removing workers, rebalancing, isolating and moving restaurants needs Citus. "
        + "Install its package on every node and migrate the data by dump and restore, or start over with --fresh.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private GrowthSession(DatabaseCluster cluster, ClusterView view, NpgsqlConnection coordinator) => (Cluster, View, Coordinator) = (cluster, view, coordinator);

    /// <summary>The cluster, with the addresses of the primaries.</summary>
    public DatabaseCluster Cluster { get; }

    /// <summary>What its servers answered.</summary>
    public ClusterView View { get; }

    /// <summary>The connection that has the turn.</summary>
    public NpgsqlConnection Coordinator { get; }

    /// <summary>Connects, and looks whether the engine can move shards.</summary>
    /// <param name="options">The cluster, with the addresses of the topology.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">The engine cannot.</exception>
    public static async Task<GrowthSession> OpenAsync(DatabaseOptions options, CancellationToken ct)
    {
        var administrator = NodeConnections.AsAdministrator(options);
        var view = await ClusterView.ReadAsync(options, administrator, ct);
        if (view.Groups[0].Primary.State != ServerState.Primary)
        {
            await GrowthChecks.RefuseAsync(options, view, administrator, new HashSet<string>(), ct);
        }

        var cluster = new DatabaseCluster(view.Resolve(options));
        var coordinator = await cluster.OpenCoordinatorAsync(ct);
        try
        {
            return (await cluster.EngineAsync(coordinator, ct)).Kind == EngineChoice.Citus
                ? new GrowthSession(cluster, view, coordinator)
                : throw new DatabaseSetupException(NeedsCitus);
        }
        catch
        {
            await coordinator.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the turn, and cleans up.</summary>
    /// <param name="report">Is told of the steps.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">Another verb has the turn.</exception>
    public async Task BeginAsync(Action<string> report, CancellationToken ct)
    {
        // A move may take hours. The server looks whether this process is still there: what was killed ends, and does not move on unseen.
        await Coordinator.ExecuteAsync("SET statement_timeout = 0; SET lock_timeout = 0; SET client_connection_check_interval = '1s'", ct);
        await TakeTurnAsync(ct);
        await CancelJobsAsync(report, ct);
        await CleanUpAsync(report, ct);
    }

    /// <summary>Removes what moves have left behind: copies that were not finished, shards that live elsewhere now.</summary>
    /// <param name="report">Is told where something is left.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task CleanUpAsync(Action<string> report, CancellationToken ct)
    {
        long left = 0;
        for (var waited = TimeSpan.Zero; waited < Patience; waited += Interval)
        {
            // What a session that is just ending still holds is left for the next time.
            await Coordinator.ExecuteAsync("CALL citus_cleanup_orphaned_resources()", ct);
            left = await Coordinator.ScalarAsync<long>("SELECT count(*) FROM pg_dist_cleanup", ct);
            if (left == 0)
            {
                return;
            }

            await Task.Delay(Interval, ct);
        }

        report($"{left} leftovers of earlier moves are still in use; Citus removes them later by itself (pg_dist_cleanup).");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Coordinator.DisposeAsync();

    private async Task TakeTurnAsync(CancellationToken ct)
    {
        for (var waited = TimeSpan.Zero; !await Coordinator.ScalarAsync<bool>("SELECT pg_try_advisory_lock($1)", ct, LockKey); waited += Interval)
        {
            if (waited >= Patience)
            {
                var holder = await Coordinator.ScalarAsync<string>(
                    """
                    SELECT format('session %s from %s, since %s', activity.pid, coalesce(host(client_addr), 'this machine'), to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
                    FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
                    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = $1
                    """, ct, LockKey);
                throw new DatabaseSetupException($"Another verb is moving shards ({holder ?? "it has just ended"}): wait for its end and run this one again.");
            }

            await Task.Delay(Interval, ct);
        }
    }

    // Of versions before, whose moves were jobs of Citus; those would go on beside this verb's.
    private async Task CancelJobsAsync(Action<string> report, CancellationToken ct)
    {
        const string Running = "SELECT job_id FROM pg_dist_background_job WHERE state NOT IN ('finished', 'cancelled', 'failed') ORDER BY 1";
        foreach (var job in await Coordinator.ListAsync(Running, row => row.GetInt64(0), ct))
        {
            report($"Citus job {job}, left by an earlier run, is cancelled.");
            await Coordinator.ExecuteAsync("SELECT citus_job_cancel($1)", ct, job);
        }

        for (var waited = TimeSpan.Zero; (await Coordinator.ListAsync(Running, row => row.GetInt64(0), ct)) is [var job, ..]; waited += Interval)
        {
            if (waited >= Patience)
            {
                throw new DatabaseSetupException($"Citus job {job} was cancelled and does not end: 'SELECT * FROM pg_dist_background_task WHERE job_id = {job}' on the coordinator shows why.");
            }

            await Task.Delay(Interval, ct);
        }
    }
}
