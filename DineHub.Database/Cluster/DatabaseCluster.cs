using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database.Cluster;

/// <summary>The cluster as one database: opens it, and knows its engine. Made by an administrator's verb, never by the API.</summary>
/// <param name="options">The cluster, with the addresses of those that are the primaries now.</param>
public sealed class DatabaseCluster(DatabaseOptions options)
{
    internal const string CreateSettings = "CREATE TABLE IF NOT EXISTS dinehub.settings (name text PRIMARY KEY, value text NOT NULL)";

    /// <summary>The cluster's options.</summary>
    public DatabaseOptions Options { get; } = options;

    /// <summary>Opens the superuser's connections to the nodes; the migrator's where the superuser is not configured.</summary>
    public NodeConnections Connections { get; } =
        options.AdminConnectionString is null && NodeConnections.As(options, DatabaseRoles.Migrator) is { } migrator ? migrator : NodeConnections.AsAdministrator(options);

    /// <summary>Opens the migrator's connections; the superuser's where the migrator's password is not configured.</summary>
    public NodeConnections Migrator { get; } = NodeConnections.As(options, DatabaseRoles.Migrator) ?? NodeConnections.AsAdministrator(options);

    /// <summary>The cluster with the addresses of those that are the primaries now, which after a promotion are not those of the topology.</summary>
    /// <param name="options">The cluster, as the topology has it.</param>
    /// <param name="ct">Cancels the work.</param>
    public static async Task<DatabaseCluster> ResolveAsync(DatabaseOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        var cluster = new DatabaseCluster(options);
        return options.Standbys.Count == 0
            ? cluster
            : new DatabaseCluster((await ClusterView.ReadAsync(options, cluster.Connections, ct)).Resolve(options));
    }

    /// <summary>Connects to the coordinator's DineHub database.</summary>
    /// <param name="ct">Cancels the attempt.</param>
    /// <returns>An open connection; the caller disposes it.</returns>
    public Task<NpgsqlConnection> OpenCoordinatorAsync(CancellationToken ct) =>
        Connections.OpenAsync(Options.Coordinator, DatabaseOptions.DatabaseName, ct);

    /// <summary>The engine that the data is kept by; for a new database the one that was asked for, or that the server offers.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="DatabaseSetupException">Another engine is configured than the one that the data is kept by, or Citus is not there.</exception>
    public async Task<IDatabaseEngine> EngineAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        // Its settings are there where it was preloaded; what is preloaded is shown to superusers only, and migrations run as none.
        var offered = await coordinator.ScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus')
               AND EXISTS (SELECT FROM pg_settings WHERE name = 'citus.shard_count')
            """, ct);
        var chosen = await coordinator.ScalarAsync<string>("SELECT value FROM dinehub.settings WHERE name = 'engine'", ct);
        var wanted = Options.Engine == EngineChoice.Auto ? (offered ? EngineChoice.Citus : EngineChoice.Postgres) : Options.Engine;
        var kept = chosen is null ? wanted : Enum.Parse<EngineChoice>(chosen);
        if (Options.Engine != EngineChoice.Auto && kept != Options.Engine)
        {
            throw new DatabaseSetupException(NodeRequirements.EngineHasChanged(kept, Options.Engine));
        }

        if (kept == EngineChoice.Citus && !offered)
        {
            throw new DatabaseSetupException(
                $"{(chosen is null ? "Database:Engine is" : "The data is kept by")} Citus, but the coordinator cannot load it: install the Citus package for its "
                + "PostgreSQL version, put citus first in shared_preload_libraries, and restart the server.");
        }

        if (chosen is null)
        {
            await coordinator.ExecuteAsync("INSERT INTO dinehub.settings VALUES ('engine', $1) ON CONFLICT DO NOTHING", ct, kept.ToString());
        }

        return kept == EngineChoice.Citus ? new CitusEngine(Options, Connections, Migrator) : new PostgresEngine(Options, Connections, Migrator);
    }
}
