using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database;

/// <summary>What a migration run did.</summary>
/// <param name="Engine">The engine that keeps the data.</param>
/// <param name="Applied">The migrations that this run applied, in order.</param>
/// <param name="Version">The number of the newest migration, from 1.</param>
public sealed record MigrationResult(EngineChoice Engine, IReadOnlyList<Migration> Applied, int Version);

/// <summary>Brings the cluster's schema, roles and nodes to what this version needs. May be repeated, and run by several at once.</summary>
/// <param name="cluster">The cluster.</param>
public sealed class Migrator(DatabaseCluster cluster)
{
    // "DineHub" in ASCII: one number for all versions, so that two runs take turns.
    private const long LockKey = 0x44696e65487562;

    private readonly DatabaseOptions options = cluster.Options;

    /// <summary>Runs what is pending.</summary>
    /// <param name="ct">Cancels the work; what was applied stays applied.</param>
    /// <exception cref="DatabaseSetupException">The database is not one that this version can migrate.</exception>
    /// <exception cref="NpgsqlException">A node does not answer, or refused a statement.</exception>
    public async Task<MigrationResult> MigrateAsync(CancellationToken ct)
    {
        foreach (var node in options.Workers.Prepend(options.Coordinator))
        {
            await PrepareNodeAsync(node, ct);
        }

        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        await coordinator.ExecuteAsync("SELECT pg_advisory_lock($1)", ct, LockKey);
        foreach (var node in options.Workers)
        {
            await using var connection = await cluster.Connections.OpenAsync(node, DatabaseOptions.DatabaseName, ct);
            await MigrationLog.PrepareAsync(connection, ct);
        }

        await MigrationLog.PrepareAsync(coordinator, ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        await engine.AttachNodesAsync(coordinator, ct);
        var applied = await MigrationLog.AppliedAsync(coordinator, ct);
        RefuseChanged(applied);
        var pending = Migration.All.Where(migration => !applied.ContainsKey(migration.Number)).ToList();
        foreach (var migration in pending)
        {
            await engine.ApplyAsync(coordinator, migration, ct);
        }

        await engine.CompleteAsync(coordinator, ct);
        return new MigrationResult(engine.Kind, pending, Math.Max(Migration.All.Count, applied.Keys.DefaultIfEmpty().Max()));
    }

    private static void RefuseChanged(Dictionary<int, string> applied)
    {
        var changed = Migration.All.Where(m => applied.TryGetValue(m.Number, out var checksum) && checksum != m.Checksum).ToList();
        if (changed.Count > 0)
        {
            throw new DatabaseSetupException(
                $"Migrations that were applied have changed since: {string.Join(", ", changed.Select(m => $"{m.Number:0000}_{m.Name}"))}. "
                + "Write a new migration instead, or start over with --fresh.");
        }
    }

    // Roles belong to a server and the database must exist before anything can live in it: neither can be part of a migration.
    private async Task PrepareNodeAsync(DatabaseNode node, CancellationToken ct)
    {
        await using var server = await cluster.Connections.OpenAsync(node, "postgres", ct);
        await server.ExecuteAsync("SELECT pg_advisory_lock($1)", ct, LockKey);
        await server.ExecuteFormattedAsync(
            """
            DO $do$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %1$L) THEN
                CREATE ROLE %1$I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
              END IF;
            END $do$
            """, ct, DatabaseOptions.ApiRole);
        // A statement that fails is written to the server's log with its values: names, addresses. It fails where it can be tried again, too.
        await server.ExecuteFormattedAsync("ALTER ROLE %1$I SET log_min_error_statement = 'panic'", ct, DatabaseOptions.ApiRole);
        await server.ExecuteFormattedAsync("ALTER ROLE %1$I SET log_error_verbosity = 'terse'", ct, DatabaseOptions.ApiRole);
        if (options.ApiPassword is not null)
        {
            // A failed statement is written to the server's log with its text.
            await server.ExecuteAsync("SET log_min_error_statement = 'panic'; SET log_statement = 'none'", ct);
            await server.ExecuteFormattedAsync("ALTER ROLE %1$I PASSWORD %2$L", ct, DatabaseOptions.ApiRole, options.ApiPassword);
        }

        if (!await server.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", ct, DatabaseOptions.DatabaseName))
        {
            await server.ExecuteFormattedAsync("CREATE DATABASE %1$I", ct, DatabaseOptions.DatabaseName);
            await server.ExecuteFormattedAsync("REVOKE ALL ON DATABASE %1$I FROM PUBLIC", ct, DatabaseOptions.DatabaseName);
            await server.ExecuteFormattedAsync("GRANT CONNECT ON DATABASE %1$I TO %2$I", ct, DatabaseOptions.DatabaseName, DatabaseOptions.ApiRole);
        }
    }
}
