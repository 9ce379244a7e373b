using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DineHub.Database.Cluster;
using DineHub.Database.Locality;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Npgsql;

namespace DineHub.Database.Engines;

/// <summary>
/// Stock PostgreSQL: each worker holds whole, ordinary tables; on the coordinator a table of the same name is partitioned by hash,
/// and each partition is a <c>postgres_fdw</c> foreign table on one worker. The facade is built from the workers' catalog, so that
/// a migration is written once for both engines. For development and tests: resharding needs Citus.
/// </summary>
/// <param name="options">The cluster.</param>
/// <param name="administrator">Opens the superuser's connections.</param>
/// <param name="migrator">Opens the migrator's connections to the workers.</param>
public sealed class PostgresEngine(DatabaseOptions options, NodeConnections administrator, NodeConnections migrator) : IDatabaseEngine
{
    // Seconds, and milliseconds for tcp_user_timeout: a host that vanishes without a reset must not hold a session for minutes.
    // Counts and sorts over a partition are made on the coordinator, which fetches the rows: in batches larger than the 100 of the default.
    private static readonly (string Name, string Value)[] ServerOptions =
    [
        ("dbname", DatabaseOptions.DatabaseName),
        ("connect_timeout", "2"),
        ("keepalives", "1"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "2"),
        ("tcp_user_timeout", "5000"),
        ("fetch_size", "5000"),

        // What holds a lock on a worker is named by its session on the coordinator; postgres_fdw fills in the process id and the application.
        ("application_name", "coordinator process %p %a"),
    ];

    /// <summary>The partition's remainder for each id of $1, where there are $2 partitions.</summary>
    internal const string RemainderOfIds = """
        SELECT id, remainder
        FROM unnest($1) AS id, generate_series(0, $2 - 1) AS remainder
        WHERE satisfies_hash_partition('orders'::regclass, $2, remainder, id)
        """;

    /// <inheritdoc/>
    public EngineChoice Kind => EngineChoice.Postgres;

    /// <inheritdoc/>
    public async Task AttachNodesAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        await coordinator.ExecuteAsync("""
            CREATE EXTENSION IF NOT EXISTS postgres_fdw;
            CREATE TABLE IF NOT EXISTS dinehub.distributed_tables (
                table_name           text PRIMARY KEY,
                distribution_column  text NOT NULL,
                facade               text);
            """, ct);
        await RefuseReshardingAsync(coordinator, ct);
        foreach (var worker in options.Workers)
        {
            await AttachAsync(coordinator, worker, ct);
            await using var connection = await administrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            await NodeSetup.HandOverAsync(connection, ct);
        }

        await coordinator.ExecuteAsync("ALTER TABLE dinehub.distributed_tables OWNER TO dinehub_owner", ct);
    }

    /// <inheritdoc/>
    public Task RepointAsync(NpgsqlConnection coordinator, DatabaseNode group, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(group);

        // Only the backends hold the coordinator's address: no foreign server points at it.
        return group.Name == options.Coordinator.Name ? Task.CompletedTask : SetOptionsAsync(coordinator, group, ct);
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(NpgsqlConnection coordinator, Migration migration, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(migration);
        if (migration.Placement.DistributionColumn is not { } column)
        {
            await MigrationLog.ApplyOnceAsync(coordinator, migration, ct);
            return;
        }

        if (migration.Kind == MigrationKind.Contract)
        {
            // Before the workers: the facade writes every column that it has.
            await LockTimeoutRetry.InTransactionAsync(
                coordinator, $"Migration {migration.Title}", token => coordinator.ExecuteAsync(migration.Sql, token), ct);
        }

        // The same on every worker, so those of the last one are all.
        List<string> tables = [];
        foreach (var worker in options.Workers)
        {
            await using var connection = await migrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            await MigrationLog.ApplyOnceAsync(connection, migration, ct);
            await NodeSetup.HandOverAsync(connection, ct);
            tables = await TablesAsync(connection, ct);
        }

        foreach (var table in tables)
        {
            await coordinator.ExecuteAsync("""
                INSERT INTO dinehub.distributed_tables (table_name, distribution_column) VALUES ($1, $2) ON CONFLICT DO NOTHING
                """, ct, table, column);
        }

        if (migration.Kind == MigrationKind.Contract)
        {
            await coordinator.ExecuteAsync("DELETE FROM dinehub.distributed_tables WHERE NOT table_name = ANY ($1)", ct, tables);
        }

        await MigrationLog.RecordAsync(coordinator, migration, ct);
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        await WorkerDirectory.UpdateAsync(coordinator, options.Workers, new Dictionary<string, int>(), ct);
        var everywhere = await ColumnsEverywhereAsync(ct);
        await using var worker = await migrator.OpenAsync(options.Workers[0], DatabaseOptions.DatabaseName, ct);
        var tables = await coordinator.ListAsync(
            "SELECT table_name, distribution_column, coalesce(facade, '') FROM dinehub.distributed_tables ORDER BY table_name",
            row => (Name: row.GetString(0), Column: row.GetString(1), Facade: row.GetString(2)),
            ct);
        foreach (var table in tables.Where(table => everywhere.Contains((table.Name, table.Column))))
        {
            var statements = await FacadeAsync(
                worker, table.Name, table.Column, [.. everywhere.Where(known => known.Table == table.Name).Select(known => known.Column)], ct);
            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(statements)));
            if (checksum == table.Facade)
            {
                continue;
            }

            // Rebuilding drops no data: the rows are the workers'. Statements that wait for the lock find the new table by its name.
            await LockTimeoutRetry.InTransactionAsync(
                coordinator,
                $"The coordinator's table {table.Name}",
                async token =>
                {
                    await coordinator.ExecuteAsync(statements, token);
                    await coordinator.ExecuteAsync("UPDATE dinehub.distributed_tables SET facade = $1 WHERE table_name = $2", token, checksum, table.Name);
                    await NodeSetup.HandOverAsync(coordinator, token);
                },
                ct);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<Guid, string>> LocateAsync(
        NpgsqlConnection coordinator, IReadOnlyCollection<Guid> restaurantIds, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        var rows = await coordinator.ListAsync(
            RemainderOfIds,
            row => (Id: row.GetGuid(0), Remainder: row.GetInt32(1)),
            ct,
            restaurantIds.ToArray(),
            options.Workers.Count);
        return rows.ToDictionary(row => row.Id, row => options.Workers[row.Remainder].Name);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TableOnNode>> SpreadAsync(NpgsqlConnection coordinator, IReadOnlySet<string> reachable, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(reachable);
        var tables = await coordinator.ListAsync(
            "SELECT table_name FROM dinehub.distributed_tables ORDER BY table_name", row => row.GetString(0), ct);
        var spread = new List<TableOnNode>();
        foreach (var worker in options.Workers)
        {
            await using var connection = reachable.Contains(worker.Name)
                ? await administrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct)
                : null;
            foreach (var table in tables)
            {
                long? rows = connection is null
                    ? null
                    : await connection.CountAsync(table, ct);
                spread.Add(new TableOnNode(worker.Name, table, Pieces: 1, rows));
            }
        }

        return spread;
    }

    private static Task<List<string>> TablesAsync(NpgsqlConnection worker, CancellationToken ct) =>
        worker.ListAsync("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", row => row.GetString(0), ct);

    // What a run that stopped half-way has done on some of the workers only is not for the facade yet, or not any more.
    private async Task<HashSet<(string Table, string Column)>> ColumnsEverywhereAsync(CancellationToken ct)
    {
        HashSet<(string, string)>? everywhere = null;
        foreach (var worker in options.Workers)
        {
            await using var connection = await migrator.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            var columns = await connection.ListAsync(
                """
                SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                """, row => (row.GetString(0), row.GetString(1)), ct);
            everywhere ??= [.. columns];
            everywhere.IntersectWith(columns);
        }

        return everywhere!;
    }

    private async Task RefuseReshardingAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        var known = await coordinator.ListAsync("SELECT srvname::text FROM pg_foreign_server ORDER BY 1", row => row.GetString(0), ct);
        if (known.Count > 0 && !known.ToHashSet().SetEquals(options.Workers.Select(worker => worker.Name)))
        {
            throw new DatabaseSetupException(
                $"The data is spread over {string.Join(", ", known)}, but the topology names {string.Join(", ", options.Workers.Select(w => w.Name))}. "
                + "Stock PostgreSQL cannot reshard: install Citus for that, or start over with --fresh.");
        }
    }

    private async Task AttachAsync(NpgsqlConnection coordinator, DatabaseNode worker, CancellationToken ct)
    {
        await coordinator.ExecuteFormattedAsync(
            """
            DO $do$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = %1$L) THEN
                CREATE SERVER %1$I FOREIGN DATA WRAPPER postgres_fdw;
              END IF;
            END $do$
            """, ct, worker.Name);
        await SetOptionsAsync(coordinator, worker, ct);
        await MapUserAsync(coordinator, worker, administrator.Username, administrator.Password, ct);
        foreach (var role in new[] { DatabaseOptions.ApiRole, DatabaseRoles.Migrator })
        {
            await coordinator.ExecuteFormattedAsync("GRANT USAGE ON FOREIGN SERVER %1$I TO %2$I", ct, worker.Name, role);
            await MapUserAsync(coordinator, worker, role, options.Passwords.GetValueOrDefault(role), ct);
        }
    }

    private static async Task MapUserAsync(NpgsqlConnection coordinator, DatabaseNode worker, string role, string? password, CancellationToken ct)
    {
        if (password is null)
        {
            return;
        }

        // Dropped and made again in one transaction, so that sessions never see the server without a mapping.
        await using var transaction = await coordinator.BeginTransactionAsync(ct);
        await coordinator.ExecuteFormattedAsync("DROP USER MAPPING IF EXISTS FOR %1$I SERVER %2$I", ct, role, worker.Name);
        await coordinator.ExecuteFormattedAsync(
            "CREATE USER MAPPING FOR %1$I SERVER %2$I OPTIONS (user %3$L, password %4$L)", ct, role, worker.Name, role, password);
        await transaction.CommitAsync(ct);
    }

    private async Task SetOptionsAsync(NpgsqlConnection coordinator, DatabaseNode worker, CancellationToken ct)
    {
        var current = (await coordinator.ListAsync(
            "SELECT option_name, option_value FROM pg_foreign_server, pg_options_to_table(srvoptions) WHERE srvname = $1",
            row => (Name: row.GetString(0), Value: row.GetString(1)),
            ct,
            worker.Name)).ToDictionary(option => option.Name, option => option.Value);
        (string Name, string Value)[] wanted =
            [.. ServerOptions, .. NodeOptions(), ("host", worker.PeerHost), ("port", worker.PeerPort.ToString(CultureInfo.InvariantCulture))];
        foreach (var (name, value) in wanted.Where(option => current.GetValueOrDefault(option.Name) != option.Value))
        {
            var verb = current.ContainsKey(name) ? "SET" : "ADD";
            await coordinator.ExecuteFormattedAsync($"ALTER SERVER %1$I OPTIONS ({verb} %2$I %3$L)", ct, worker.Name, name, value);
        }
    }

    // "sslmode=verify-full sslrootcert=/etc/…", as libpq writes it; a path with spaces is quoted there and is none of ours.
    private IEnumerable<(string Name, string Value)> NodeOptions() =>
        (options.NodeConnectionInfo ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .Select(pair => (pair[0], pair[1]));

    /// <summary>The statements that build the coordinator's side of one table, from the first worker's catalog.</summary>
    private async Task<string> FacadeAsync(NpgsqlConnection worker, string table, string column, string[] known, CancellationToken ct)
    {
        var columns = await worker.ListAsync(
            """
            SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                   || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
                   || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
            FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = format('public.%I', $1)::regclass AND a.attname = ANY ($2)
            ORDER BY a.attnum
            """, row => row.GetString(0), ct, table, known);
        var privileges = await worker.ListAsync(
            """
            SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
            WHERE has_table_privilege($1, format('public.%I', $2)::regclass, privilege)
            """, row => row.GetString(0), ct, DatabaseOptions.ApiRole, table);

        var quote = new NpgsqlCommandBuilder();
        var name = quote.QuoteIdentifier(table);
        var sql = new StringBuilder()
            .AppendLine($"DROP TABLE IF EXISTS {name};")
            .AppendLine($"CREATE TABLE {name} ({string.Join(", ", columns)}) PARTITION BY HASH ({quote.QuoteIdentifier(column)});");
        for (var i = 0; i < options.Workers.Count; i++)
        {
            sql.AppendLine(
                $"CREATE FOREIGN TABLE {quote.QuoteIdentifier($"{table}_p{i}")} PARTITION OF {name} FOR VALUES WITH (MODULUS {options.Workers.Count}, REMAINDER {i}) "
                + $"SERVER {quote.QuoteIdentifier(options.Workers[i].Name)} OPTIONS (schema_name 'public', table_name '{table.Replace("'", "''", StringComparison.Ordinal)}');");
        }

        if (privileges.Count > 0)
        {
            sql.AppendLine($"GRANT {string.Join(", ", privileges)} ON {name} TO {DatabaseOptions.ApiRole};");
        }

        return sql.ToString();
    }
}
