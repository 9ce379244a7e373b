using System.Security.Cryptography;
using DineHub.Database.Cluster;
using DineHub.Database.Growth;
using DineHub.Database.Locality;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database.Engines;

/// <summary>
/// Citus 12 or 13: distributed tables, all colocated, and reference tables. Statements follow the documentation of Citus
/// (docs.citusdata.com, "Citus Utility Functions" and "Citus Tables and Views").
/// </summary>
/// <param name="options">The cluster.</param>
/// <param name="administrator">Opens the superuser's connections.</param>
/// <param name="migrator">Opens the migrator's connections to the workers.</param>
public sealed class CitusEngine(DatabaseOptions options, NodeConnections administrator, NodeConnections migrator) : IDatabaseEngine
{
    private const int OwnerPasswordBytes = 24;

    // libpq's connections between nodes give up on a host that has vanished; "ssl" is turned on by CREATE EXTENSION citus.
    private const string Deadlines = "connect_timeout=2 keepalives=1 keepalives_idle=5 keepalives_interval=2 keepalives_count=2 tcp_user_timeout=5000";

    private const string WaitLongerOnWorkers = """
        SET citus.enable_alter_role_set_propagation = off;
        DO $do$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = 'dinehub_migrator' AND setting = 'lock_timeout=1min') THEN
            ALTER ROLE dinehub_migrator SET lock_timeout = '1min';
          END IF;
        END $do$;
        """;

    // From the metadata tables and not from the view citus_shards, which asks every node for the sizes and so fails while one is down.
    private const string NodeOfPlacement = """
        JOIN pg_dist_node AS node ON node.groupid = placement.groupid AND node.noderole = 'primary'
        JOIN dinehub.nodes AS known ON known.node_id = node.nodeid
        """;

    /// <inheritdoc/>
    public EngineChoice Kind => EngineChoice.Citus;

    /// <inheritdoc/>
    public async Task AttachNodesAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        // A shard move connects the nodes to each other as the table's owner.
        var ownerPassword = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(OwnerPasswordBytes));
        foreach (var worker in options.Workers)
        {
            await using var connection = await administrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            await PrepareNodeAsync(connection, ownerPassword, ct);

            // A concurrent index, which takes its time, is made by sessions that the coordinator opens here; transactions set their own.
            await connection.ExecuteAsync(WaitLongerOnWorkers, ct);
        }

        await PrepareNodeAsync(coordinator, ownerPassword, ct);

        // Which node of pg_dist_node is which of the topology: addresses may change from run to run, names do not.
        await coordinator.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS dinehub.nodes (name text PRIMARY KEY, node_id integer NOT NULL UNIQUE)", ct);
        await AttachCoordinatorAsync(coordinator, options.Coordinator, ct);
        var known = await KnownNodesAsync(coordinator, ct);
        foreach (var worker in options.Workers)
        {
            if (!known.TryGetValue(worker.Name, out var node))
            {
                var id = await coordinator.ScalarAsync<int>("SELECT citus_add_node($1, $2)", ct, worker.PeerHost, worker.PeerPort);
                await coordinator.ExecuteAsync("INSERT INTO dinehub.nodes (name, node_id) VALUES ($1, $2)", ct, worker.Name, id);
            }
            else if (node.Host != worker.PeerHost || node.Port != worker.PeerPort)
            {
                await UpdateNodeAsync(coordinator, node.Id, worker, ct);
            }

            await using var connection = await administrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            await WorkerEntry.OpenAsync(connection, ct);
        }

        await coordinator.ExecuteAsync("ALTER TABLE dinehub.nodes OWNER TO dinehub_owner", ct);
    }

    /// <inheritdoc/>
    public async Task RepointAsync(NpgsqlConnection coordinator, DatabaseNode group, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(group);
        await using (var promoted = await administrator.OpenAsync(group, DatabaseOptions.DatabaseName, ct))
        {
            await SetConnectionInfoAsync(promoted, ct);
        }

        if (group.Name == options.Coordinator.Name)
        {
            await AttachCoordinatorAsync(coordinator, group, ct);
        }
        else if ((await KnownNodesAsync(coordinator, ct)).TryGetValue(group.Name, out var node))
        {
            await UpdateNodeAsync(coordinator, node.Id, group, ct);
        }
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(NpgsqlConnection coordinator, Migration migration, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(migration);
        await MigrationLog.ApplyOnceAsync(coordinator, migration, ct, new ShardNodes(migrator, options.Workers));

        // Tables that are still local to the coordinator are those that this migration made, also when an earlier run stopped here.
        var created = await coordinator.ListAsync(
            """
            SELECT t.tablename::text FROM pg_tables t
            WHERE t.schemaname = 'public'
              AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = format('public.%I', t.tablename)::regclass)
            ORDER BY 1
            """, row => row.GetString(0), ct);
        foreach (var table in created)
        {
            await LockTimeoutRetry.InTransactionAsync(
                coordinator, $"The distribution of {table}", token => DistributeAsync(coordinator, table, migration.Placement.DistributionColumn, token), ct);
        }
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        var known = await KnownNodesAsync(coordinator, ct);
        await WorkerDirectory.UpdateAsync(coordinator, options.Workers, known.ToDictionary(node => node.Key, node => node.Value.Id), ct);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<Guid, string>> LocateAsync(
        NpgsqlConnection coordinator, IReadOnlyCollection<Guid> restaurantIds, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        var rows = await coordinator.ListAsync(
            $"""
            SELECT wanted.id, known.name
            FROM (SELECT id, get_shard_id_for_distribution_column('orders', id) AS shard_id FROM unnest($1) AS id) AS wanted
            JOIN pg_dist_placement AS placement ON placement.shardid = wanted.shard_id
            {NodeOfPlacement}
            """,
            row => (Id: row.GetGuid(0), Node: row.GetString(1)),
            ct,
            restaurantIds.ToArray());
        return rows.ToDictionary(row => row.Id, row => row.Node);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TableOnNode>> SpreadAsync(NpgsqlConnection coordinator, IReadOnlySet<string> reachable, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(reachable);
        var pieces = await coordinator.ListAsync(
            $"""
            SELECT known.name, shard.logicalrelid::text, count(*)
            FROM pg_dist_shard AS shard
            JOIN pg_dist_partition AS distributed ON distributed.logicalrelid = shard.logicalrelid AND distributed.partmethod = 'h'
            JOIN pg_dist_placement AS placement ON placement.shardid = shard.shardid
            {NodeOfPlacement}
            GROUP BY 1, 2 ORDER BY 1, 2
            """,
            row => new TableOnNode(row.GetString(0), row.GetString(1), row.GetInt64(2), Rows: null),
            ct);
        var spread = new List<TableOnNode>();
        foreach (var piece in pieces)
        {
            spread.Add(reachable.Contains(piece.Node) ? piece with { Rows = await RowsAsync(coordinator, piece, ct) } : piece);
        }

        return spread;
    }

    private async Task DistributeAsync(NpgsqlConnection coordinator, string table, string? column, CancellationToken ct)
    {
        if (column is null)
        {
            await coordinator.ExecuteAsync("SELECT create_reference_table(format('public.%I', $1::text)::regclass)", ct, table);
            return;
        }

        // The first distributed table sets the colocation group and its shard count; the others join it.
        var first = await coordinator.ScalarAsync<string>(
            "SELECT logicalrelid::text FROM pg_dist_partition WHERE partmethod = 'h' ORDER BY 1 LIMIT 1", ct);
        if (first is null)
        {
            await coordinator.ExecuteAsync(
                "SELECT create_distributed_table(format('public.%I', $1::text)::regclass, $2, shard_count => $3)", ct, table, column, options.Shards);
        }
        else
        {
            await coordinator.ExecuteAsync(
                "SELECT create_distributed_table(format('public.%I', $1::text)::regclass, $2, colocate_with => $3)", ct, table, column, first);
        }
    }

    private static Task<long> RowsAsync(NpgsqlConnection coordinator, TableOnNode piece, CancellationToken ct) =>
        coordinator.ScalarAsync<long>(
            """
            SELECT coalesce(sum(placement.result::bigint), 0)::bigint
            FROM run_command_on_placements($1::text::regclass, 'SELECT count(*) FROM %s') AS placement
            JOIN pg_dist_node AS node ON node.nodename = placement.nodename AND node.nodeport = placement.nodeport
            JOIN dinehub.nodes AS known ON known.node_id = node.nodeid
            WHERE known.name = $2 AND placement.success
            """, ct, piece.Table, piece.Node);

    private static async Task<Dictionary<string, (int Id, string Host, int Port)>> KnownNodesAsync(NpgsqlConnection coordinator, CancellationToken ct) =>
        (await coordinator.ListAsync(
            """
            SELECT known.name, node.nodeid, node.nodename, node.nodeport
            FROM dinehub.nodes AS known JOIN pg_dist_node AS node ON node.nodeid = known.node_id
            """,
            row => (Name: row.GetString(0), Id: row.GetInt32(1), Host: row.GetString(2), Port: row.GetInt32(3)),
            ct)).ToDictionary(row => row.Name, row => (row.Id, row.Host, row.Port));

    // Every node signs in to every other: as the superuser for metadata and moves, as the others for their statements.
    // pg_dist_authinfo is local to each node; node 0 stands for all of them.
    private async Task PrepareNodeAsync(NpgsqlConnection node, string ownerPassword, CancellationToken ct)
    {
        await node.ExecuteAsync("CREATE EXTENSION IF NOT EXISTS citus", ct);
        await CitusPrivileges.WithholdAsync(node, ct);
        await SetConnectionInfoAsync(node, ct);
        await using var transaction = await node.BeginTransactionAsync(ct);
        await node.ExecuteAsync("SET LOCAL citus.enable_alter_role_propagation = off; SET LOCAL log_min_error_statement = 'panic'; SET LOCAL log_statement = 'none'", ct);
        await node.ExecuteFormattedAsync("ALTER ROLE %1$I LOGIN PASSWORD %2$L", ct, DatabaseRoles.Owner, ownerPassword);
        foreach (var (role, password) in new[]
        {
            (administrator.Username, administrator.Password),
            (DatabaseRoles.Owner, ownerPassword),
            (DatabaseRoles.Migrator, options.Passwords.GetValueOrDefault(DatabaseRoles.Migrator)),
            (DatabaseOptions.ApiRole, options.Passwords.GetValueOrDefault(DatabaseOptions.ApiRole)),
        })
        {
            if (password is not null)
            {
                await node.ExecuteAsync("DELETE FROM pg_dist_authinfo WHERE nodeid = 0 AND rolename = $1", ct, role);
                await node.ExecuteAsync(
                    "INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo) VALUES (0, $1, $2)",
                    ct, role, LibpqPassword(password));
            }
        }

        await transaction.CommitAsync(ct);
    }

    // Neither in the WAL nor in the topology: each server has it for itself, and a standby from when it was copied.
    private async Task SetConnectionInfoAsync(NpgsqlConnection node, CancellationToken ct)
    {
        // Each node has role settings of its own; Citus would give the workers the coordinator's when it first mentions the role there.
        await node.ExecuteAsync("ALTER SYSTEM SET citus.enable_alter_role_set_propagation = off", ct);
        await node.ExecuteFormattedAsync("ALTER SYSTEM SET citus.node_conninfo = %1$L", ct, $"{options.NodeConnectionInfo ?? "sslmode=require"} {Deadlines}");
        await node.ExecuteAsync("SELECT pg_reload_conf()", ct);
    }

    private static async Task AttachCoordinatorAsync(NpgsqlConnection coordinator, DatabaseNode address, CancellationToken ct)
    {
        var current = await coordinator.ListAsync(
            "SELECT nodeid, nodename, nodeport FROM pg_dist_node WHERE groupid = 0",
            row => (Id: row.GetInt32(0), Host: row.GetString(1), Port: row.GetInt32(2)),
            ct);
        if (current.Count == 0)
        {
            await coordinator.ExecuteAsync("SELECT citus_set_coordinator_host($1, $2)", ct, address.PeerHost, address.PeerPort);
        }
        else if (current[0].Host != address.PeerHost || current[0].Port != address.PeerPort)
        {
            await UpdateNodeAsync(coordinator, current[0].Id, address, ct);
        }
    }

    // "force" ends sessions that hold the locks after the cool-down; the old primary is fenced by then.
    private static Task<int> UpdateNodeAsync(NpgsqlConnection coordinator, int id, DatabaseNode address, CancellationToken ct) =>
        coordinator.ExecuteAsync("SELECT citus_update_node($1, $2, $3, force => true, lock_cooldown => 2000)", ct, id, address.PeerHost, address.PeerPort);

    // Quoted as libpq asks (PostgreSQL documentation, 34.1.1).
    private static string LibpqPassword(string password) =>
        $"password='{password.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";
}
