using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database;

/// <summary>What a migration run did.</summary>
/// <param name="Engine">The engine that keeps the data.</param>
/// <param name="Applied">The migrations that this run applied, in order.</param>
/// <param name="Version">The number of the newest migration, from 1.</param>
public sealed record MigrationResult(EngineChoice Engine, IReadOnlyList<Migration> Applied, int Version);

/// <summary>Brings the cluster's schema, roles and nodes to what this version needs. May be repeated, and run by several at once.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="migrations">The migrations, numbered from 1 without gaps; those of this assembly where none are given.</param>
public sealed class Migrator(DatabaseCluster cluster, IReadOnlyList<Migration>? migrations = null)
{
    private static readonly TimeSpan TurnInterval = TimeSpan.FromMilliseconds(200);

    private readonly DatabaseOptions options = cluster.Options;
    private readonly IReadOnlyList<Migration> migrations = migrations ?? Migration.All;

    /// <summary>Sets the nodes up, where the superuser is configured, then runs what is pending as the migrator, who is none.</summary>
    /// <param name="ct">Cancels the work; what was applied stays applied.</param>
    /// <exception cref="DatabaseSetupException">The database is not one that this version can migrate.</exception>
    /// <exception cref="NpgsqlException">A node does not answer, or refused a statement.</exception>
    public async Task<MigrationResult> MigrateAsync(CancellationToken ct)
    {
        if (options.AdminConnectionString is not null)
        {
            await SetUpAsync(ct);
        }

        await using var coordinator = await cluster.Migrator.OpenAsync(options.Coordinator, DatabaseOptions.DatabaseName, ct);
        await LockAsync(coordinator, ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        var applied = await MigrationLog.AppliedAsync(coordinator, ct);
        RefuseChanged(applied);
        var pending = migrations.Where(migration => !applied.ContainsKey(migration.Number)).ToList();
        foreach (var migration in pending)
        {
            await engine.ApplyAsync(coordinator, migration, ct);
        }

        await engine.CompleteAsync(coordinator, ct);
        await NodeSetup.HandOverAsync(coordinator, ct);
        return new MigrationResult(engine.Kind, pending, Math.Max(migrations.Count, applied.Keys.DefaultIfEmpty().Max()));
    }

    private async Task SetUpAsync(CancellationToken ct)
    {
        await NodeRequirements.CheckAsync(options, cluster.Connections, ct);
        var setup = new NodeSetup(options, cluster.Connections);
        foreach (var node in options.Workers.Prepend(options.Coordinator))
        {
            await setup.PrepareAsync(node, ct);
        }

        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        await LockAsync(coordinator, ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        await engine.AttachNodesAsync(coordinator, ct);
        await NodeSetup.HandOverAsync(coordinator, ct);
    }

    private static async Task LockAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        // Not by waiting inside a statement: CREATE INDEX CONCURRENTLY of the run whose turn it is would wait for that one's snapshot, for ever.
        while (!await coordinator.ScalarAsync<bool>("SELECT pg_try_advisory_lock($1)", ct, NodeSetup.LockKey))
        {
            await Task.Delay(TurnInterval, ct);
        }
    }

    private void RefuseChanged(Dictionary<int, string> applied)
    {
        var changed = migrations.Where(m => applied.TryGetValue(m.Number, out var checksum) && checksum != m.Checksum).ToList();
        if (changed.Count > 0)
        {
            throw new DatabaseSetupException(
                $"Migrations that were applied have changed since: {string.Join(", ", changed.Select(m => m.Title))}. "
                + "Write a new migration instead, or start over with --fresh.");
        }
    }
}
