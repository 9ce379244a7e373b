using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>Moves and splits shard groups online, by logical replication (<c>citus_move_shard_placement</c>, <c>isolate_tenant_to_new_shard</c>).</summary>
/// <param name="session">The turn.</param>
/// <param name="report">Is told of the steps, one line each.</param>
/// <param name="time">The clock.</param>
internal sealed class ShardTransfer(GrowthSession session, Action<string> report, TimeProvider time)
{
    private const long Mebibyte = 1024 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Indexes of a large shard are built for hours without a sign.
    private static readonly TimeSpan MaxStillness = TimeSpan.FromHours(6);

    /// <summary>Moves groups one after the other. What has moved stays moved, whatever becomes of the others.</summary>
    /// <param name="moves">The moves.</param>
    /// <param name="nodes">The workers.</param>
    /// <param name="ct">Cancels the move that runs: its group stays where it was.</param>
    /// <exception cref="DatabaseSetupException">A move failed.</exception>
    public async Task MoveAsync(IReadOnlyList<ShardMove> moves, IReadOnlyDictionary<string, ShardNode> nodes, CancellationToken ct)
    {
        foreach (var (index, move) in moves.Index())
        {
            var step = string.Create(CultureInfo.InvariantCulture, $"{index + 1} of {moves.Count}: shard {move.Group.Shard} from {move.Group.Worker} to {move.To}");
            report(step);
            var took = await RunAsync(
                step,
                "SELECT citus_move_shard_placement($1, $2, $3, 'auto')",
                ct,
                move.Group.Shard,
                nodes[move.Group.Worker].Id,
                nodes[move.To].Id);
            report($"{step}: moved in {Seconds(took)}");
        }
    }

    /// <summary>Splits a restaurant's shard group so that the restaurant has one to itself, on the same worker.</summary>
    /// <param name="restaurant">The restaurant's id.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="worker">The worker that holds it.</param>
    /// <param name="ct">Cancels it: the group stays whole.</param>
    /// <exception cref="DatabaseSetupException">It failed.</exception>
    public async Task IsolateAsync(Guid restaurant, string name, DatabaseNode worker, CancellationToken ct)
    {
        await TrustDecoderAsync(worker, ct);
        var step = $"a shard group of its own for {name}";
        report(step);
        var took = await RunAsync(
            step, "SELECT isolate_tenant_to_new_shard('public.orders', $1::uuid, 'CASCADE', shard_transfer_mode => 'auto')", ct, restaurant);
        report($"{step}: split in {Seconds(took)}");
    }

    // A split decodes WAL by Citus' own plugin. Minor versions of PostgreSQL from late 2026 take only plugins that a setting names; those before do not know it.
    private async Task TrustDecoderAsync(DatabaseNode worker, CancellationToken ct)
    {
        const string Trusted =
            """
            SELECT string_agg(quote_literal(trim(BOTH ' "' FROM plugin)), ', ')
            FROM pg_settings, unnest(string_to_array(setting, ',')) AS plugin WHERE name = 'output_plugin_libraries'
            """;
        await using var primary = await session.Cluster.Connections.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
        if (await primary.ScalarAsync<string>(Trusted, ct) is not { } trusted || trusted.Contains("'citus'", StringComparison.Ordinal))
        {
            return;
        }

        // The server has quoted the names.
        await primary.ExecuteAsync($"ALTER SYSTEM SET output_plugin_libraries = {trusted}, 'citus'", ct);
        await primary.ExecuteAsync("SELECT pg_reload_conf()", ct);
        report($"{worker.Name} now allows the decoder of Citus (output_plugin_libraries).");
    }

    private async Task<TimeSpan> RunAsync(string step, string sql, CancellationToken ct, params object[] parameters)
    {
        var began = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using var watch = await session.Cluster.OpenCoordinatorAsync(ct);
        var work = ExecuteAsync(sql, parameters, stop.Token);
        var (seen, seenAt, state) = ("", began, "");
        while (await Task.WhenAny(work, Task.Delay(Interval, time, CancellationToken.None)) != work)
        {
            var progress = await ProgressAsync(watch);
            if (progress is { } now && now.State != state)
            {
                report($"{step}: {now.State}{now.Size}");
                state = now.State;
            }

            if (progress?.ToString() is { } text && text != seen)
            {
                (seen, seenAt) = (text, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(seenAt) > MaxStillness)
            {
                await stop.CancelAsync();
            }
        }

        try
        {
            await work;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new DatabaseSetupException($"{step}: cancelled, as it made no progress for {MaxStillness.TotalHours} h. It stays where it was. Look at pg_stat_activity on both workers, then run the verb again.");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException && !ct.IsCancellationRequested)
        {
            throw new DatabaseSetupException($"{step}: failed ({e.Message.ReplaceLineEndings(" ")}). It stays where it was; earlier moves stay. Run the verb again to continue.");
        }

        return time.GetElapsedTime(began);
    }

    private async Task ExecuteAsync(string sql, object[] parameters, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, session.Coordinator) { CommandTimeout = 0 };
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        await command.ExecuteNonQueryAsync(ct);
    }

    // Of all groups' tables; none for a split, and before the copy has begun.
    private static async Task<Progress?> ProgressAsync(NpgsqlConnection watch)
    {
        try
        {
            var (state, copied, all) = (await watch.ListAsync(
                "SELECT coalesce(max(status), ''), coalesce(sum(target_shard_size), 0)::bigint, coalesce(sum(source_shard_size), 0)::bigint FROM get_rebalance_progress()",
                row => (row.GetString(0), row.GetInt64(1), row.GetInt64(2)),
                CancellationToken.None))[0];
            return state.Length == 0 ? null : new Progress(state, copied, all);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            // Only the watch is lost, not what it watches.
            return null;
        }
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0 s", CultureInfo.InvariantCulture);

    private sealed record Progress(string Status, long Copied, long All)
    {
        // "Copying Data", "Catching Up": Citus' words.
        public string State => Status.ToLowerInvariant();

        public string Size => string.Create(CultureInfo.InvariantCulture, $", {Copied / Mebibyte} of {All / Mebibyte} MiB");
    }
}
