using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database.Migrations;

/// <summary>What a migration run did.</summary>
/// <param name="Engine">The engine that keeps the data.</param>
/// <param name="Applied">The migrations that this run applied, in order.</param>
/// <param name="Version">The number of the newest migration, from 1.</param>
/// <param name="Extension">The version that this run updated the extension citus to; null where it did not.</param>
/// <param name="Notes">What remains to be done in a rolling upgrade of the servers, one line for each.</param>
public sealed record MigrationResult(EngineChoice Engine, IReadOnlyList<Migration> Applied, int Version, string? Extension, IReadOnlyList<string> Notes);

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
        var upgrade = options.AdminConnectionString is null ? RollingUpgrade.None : await SetUpAsync(ct);
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
        return new MigrationResult(engine.Kind, pending, Math.Max(migrations.Count, applied.Keys.DefaultIfEmpty().Max()), upgrade.Extension, upgrade.Notes);
    }

    private async Task<RollingUpgrade> SetUpAsync(CancellationToken ct)
    {
        var upgrade = await NodeRequirements.CheckAsync(options, cluster.Connections, ct);
        if (upgrade.Extension is { } version)
        {
            await UpdateExtensionAsync(version, upgrade.Nodes, ct);
        }

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
        return upgrade;
    }

    // Before anything else: other statements of Citus may need it. The coordinator is the last one, as it calls what the workers have.
    private async Task UpdateExtensionAsync(string version, IReadOnlyList<string> nodes, CancellationToken ct)
    {
        // Two runs at once would change the same catalogs.
        await using var turn = await cluster.OpenCoordinatorAsync(ct);
        await LockAsync(turn, ct);
        foreach (var node in options.Workers.Append(options.Coordinator).Where(node => nodes.Contains(node.Name)))
        {
            await using var connection = await cluster.Connections.OpenAsync(node, DatabaseOptions.DatabaseName, ct);
            await LockTimeoutRetry.InTransactionAsync(
                connection, $"The update of the extension citus on {node.Name}", token => connection.ExecuteFormattedAsync("ALTER EXTENSION citus UPDATE TO %1$L", token, version), ct);
        }
    }

    private static async Task LockAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        // No wait inside a statement: CREATE INDEX CONCURRENTLY of the lock's holder would wait for its snapshot and never end.
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
