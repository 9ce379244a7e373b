using DineHub.Database.Cluster;
using DineHub.Database.Roles;
using DineHub.Tests.Hosting;
using DineHub.Topology;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>What each role of the database may do, and no more.</summary>
[Collection(ClusterCollection.Name)]
public sealed class LeastPrivilegeTests(ClusterFixture fixture)
{
    private const string Superuser = "postgres";

    private static readonly string[] NothingOfAnApi =
    [
        "ALTER TABLE orders ADD COLUMN scratch integer",
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "DROP TABLE menus",
        "CREATE TABLE scratch (n integer)",
        "CREATE TEMPORARY TABLE scratch (n integer)",
        "CREATE SCHEMA scratch",
        "CREATE INDEX ON orders (total)",
        "CREATE EXTENSION pg_stat_statements",
        "CREATE FUNCTION scratch() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM orders",
        "DELETE FROM menus",
        "TRUNCATE orders",
        "TRUNCATE accounts",
        "SELECT rolpassword FROM pg_authid",
        "SELECT umoptions FROM pg_user_mapping",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/dinehub-scratch'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT pg_reload_conf()",
        "SELECT pg_promote()",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_physical_replication_slot('scratch')",
        "SELECT lo_import('/etc/passwd')",
        "SET synchronous_standby_names = ''",
        "SET ROLE dinehub_owner",
        "SET ROLE dinehub_migrator",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE ROLE scratch",
        "ALTER ROLE dinehub_migrator PASSWORD 'scratch'",
        "GRANT dinehub_owner TO dinehub_api",
        "ALTER DATABASE dinehub SET work_mem = '1GB'",
        "CREATE DATABASE scratch",
        "SELECT * FROM dinehub.primaries",
        "UPDATE dinehub.primaries SET generation = generation + 1",
        "DELETE FROM dinehub.primaries",
        "INSERT INTO dinehub.settings VALUES ('scratch', 'scratch')",
        "UPDATE dinehub.settings SET value = 'Citus'",
        "DELETE FROM dinehub.migrations",
    ];

    private static readonly string[] NothingOfTheDirectory =
    [
        "DELETE FROM restaurants",
        "UPDATE workers SET region = 'scratch'",
        "DELETE FROM workers",
        "UPDATE deployment SET value = 'scratch'",
        "UPDATE data_protection_keys SET xml = 'scratch'",
    ];

    // Citus's own functions and tables: nodes, shards, statements on other nodes.
    private static readonly string[] NothingOfCitus =
    [
        "SELECT citus_add_node('127.0.0.1', 1)",
        "SELECT citus_activate_node('127.0.0.1', 1)",
        "SELECT citus_disable_node('127.0.0.1', 1)",
        "SELECT citus_drain_node('127.0.0.1', 1)",
        "SELECT citus_remove_node('127.0.0.1', 1)",
        "SELECT citus_update_node(1, '127.0.0.1', 1)",
        "SELECT citus_set_coordinator_host('127.0.0.1', 1)",
        "SELECT citus_set_node_property('127.0.0.1', 1, 'shouldhaveshards', false)",
        "SELECT citus_move_shard_placement(1, '127.0.0.1', 1, '127.0.0.1', 2)",
        "SELECT citus_copy_shard_placement(1, '127.0.0.1', 1, '127.0.0.1', 2)",
        "SELECT citus_split_shard_by_split_points(1, ARRAY['0'], ARRAY[1, 2])",
        "SELECT isolate_tenant_to_new_shard('orders', '00000000-0000-0000-0000-000000000001'::uuid)",
        "SELECT citus_rebalance_start()",
        "SELECT citus_rebalance_stop()",
        "SELECT rebalance_table_shards()",
        "SELECT citus_job_cancel(1)",
        "SELECT citus_create_restore_point('scratch')",
        "SELECT create_distributed_table('orders', 'id')",
        "SELECT create_reference_table('orders')",
        "SELECT undistribute_table('orders')",
        "SELECT alter_distributed_table('orders', shard_count => 4)",
        "SELECT update_distributed_table_colocation('orders', 'none')",
        "SELECT citus_update_table_statistics('orders')",
        "SELECT run_command_on_all_nodes('SELECT 1')",
        "SELECT run_command_on_workers('SELECT 1')",
        "SELECT run_command_on_coordinator('SELECT 1')",
        "SELECT run_command_on_shards('orders', 'SELECT 1 FROM %s')",
        "SELECT run_command_on_placements('orders', 'SELECT 1 FROM %s')",
        "SELECT master_run_on_worker(ARRAY['127.0.0.1'], ARRAY[1], ARRAY['SELECT 1'], false)",
        "SELECT master_move_shard_placement(1, '127.0.0.1', 1, '127.0.0.1', 2)",
        "SELECT master_get_new_shardid()",
        "SELECT worker_apply_shard_ddl_command(1, 'DROP TABLE orders')",
        "SELECT worker_drop_distributed_table('orders')",
        "SELECT citus_internal.delete_shard_metadata(1)",
        "SELECT citus_internal_delete_shard_metadata(1)",
        "SELECT citus_stat_tenants_reset()",
        "SELECT authinfo FROM pg_dist_authinfo",
        "INSERT INTO pg_dist_authinfo VALUES (0, 'dinehub_api', 'password=scratch')",
        "DELETE FROM pg_dist_authinfo",
        "INSERT INTO pg_dist_poolinfo VALUES (1, 'port=1')",
        "UPDATE pg_dist_node SET nodeport = 1",
        "DELETE FROM pg_dist_node",
        "UPDATE pg_dist_placement SET groupid = 0",
        "DELETE FROM pg_dist_shard",
        "DELETE FROM pg_dist_partition",
        "DELETE FROM pg_dist_transaction",
        "DELETE FROM pg_dist_object",
        "UPDATE pg_dist_rebalance_strategy SET default_strategy = false",
        "DELETE FROM pg_dist_cleanup",
        "DELETE FROM pg_dist_background_job",
        "SELECT nextval('pg_dist_shardid_seq')",
    ];

    private readonly DatabaseOptions options = Options(fixture);

    [Fact]
    public async Task The_API_works_with_rows_and_with_nothing_else()
    {
        foreach (var server in new[] { fixture.Cluster.Coordinator, fixture.Cluster.Workers[0] })
        {
            await using var api = await OpenAsync(server, DatabaseOptions.ApiRole);
            if (TestEngine.IsCitus && server != fixture.Cluster.Coordinator)
            {
                // A worker refuses all DDL, by anybody, unless the session asks for it to be its own (SQLSTATE XX000).
                await ExecuteAsync(api, "SET citus.enable_ddl_propagation = off");
            }

            foreach (var statement in server == fixture.Cluster.Coordinator ? [.. NothingOfAnApi, .. NothingOfTheDirectory] : NothingOfAnApi)
            {
                await ShouldBeRefusedAsync(api, statement, server.Name);
            }

            (await ListAsync(api, "SELECT relname::text FROM pg_class WHERE relowner = current_user::regrole")).ShouldBeEmpty();
            (await ListAsync(api, "SELECT srvname || ' for ' || usename FROM pg_user_mappings WHERE umoptions IS NOT NULL AND usename <> current_user")).ShouldBeEmpty();
            (await ListAsync(api, "SELECT role.rolname::text FROM pg_roles AS role WHERE pg_has_role(current_user, role.oid, 'MEMBER') AND role.rolname <> current_user")).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task The_API_can_run_what_requests_need_on_each_node_that_it_enters_at()
    {
        // On the stock engine it enters at the coordinator.
        foreach (var server in TestEngine.IsCitus ? [fixture.Cluster.Coordinator, .. fixture.Cluster.Workers] : new[] { fixture.Cluster.Coordinator })
        {
            await using var api = await OpenAsync(server, DatabaseOptions.ApiRole);
            foreach (var restaurant in fixture.Restaurants.Values.DistinctBy(place => place.Worker).Select(place => place.Id))
            {
                await using var transaction = await api.BeginTransactionAsync();
                foreach (var statement in new[]
                {
                    $"SELECT FROM orders WHERE restaurant_id = '{restaurant}' FOR UPDATE",
                    $"UPDATE orders SET total = total WHERE restaurant_id = '{restaurant}'",
                    $"WITH kept AS (UPDATE stock SET updated_at = updated_at WHERE restaurant_id = '{restaurant}' RETURNING item_id) SELECT count(*) FROM kept",
                    $"DELETE FROM stock WHERE restaurant_id = '{restaurant}'",
                    $"SELECT r.name, count(o.id) FROM restaurants r LEFT JOIN orders o ON o.restaurant_id = r.id WHERE r.id = '{restaurant}' GROUP BY r.name",
                })
                {
                    await ExecuteAsync(api, statement);
                }

                await transaction.RollbackAsync();
            }

            foreach (var statement in new[]
            {
                "SELECT restaurant_id, count(*), count(DISTINCT status), sum(total), array_agg(id) FROM orders GROUP BY restaurant_id ORDER BY 2 LIMIT 3",
                "SELECT count(DISTINCT status), avg(total) FROM orders",
                "WITH newest AS MATERIALIZED (SELECT restaurant_id, id FROM orders ORDER BY placed_at DESC LIMIT 10) SELECT count(*) FROM orders JOIN newest USING (restaurant_id, id)",
                "EXPLAIN (ANALYZE, COSTS OFF) SELECT count(*) FROM orders",
            })
            {
                await ExecuteAsync(api, statement);
            }
        }
    }

    [CitusFact]
    public async Task The_API_administers_nothing_of_Citus_on_any_node()
    {
        foreach (var server in fixture.Cluster.Databases.Where(server => server.Node.Role is Role.Coordinator or Role.Worker))
        {
            await using var api = await OpenAsync(server, DatabaseOptions.ApiRole);
            foreach (var statement in NothingOfCitus)
            {
                await ShouldBeRefusedAsync(api, statement, server.Name);
            }

            (await ListAsync(
                api,
                """
                SELECT DISTINCT function.proname::text
                FROM pg_proc AS function JOIN pg_depend AS member ON member.objid = function.oid AND member.deptype = 'e' JOIN pg_extension AS extension ON extension.oid = member.refobjid
                WHERE extension.extname = 'citus' AND has_function_privilege(function.oid, 'EXECUTE')
                  AND function.proname ~ '(^master_|^citus_internal|run_command|(add|remove|activate|disable|drain|update)_node|move|copy_shard|split|rebalance|isolate|distributed_table|create_|drop|delete|alter|reset|upgrade|cleanup|cancel|terminate)'
                """)).ShouldBeEmpty(server.Name);
        }
    }

    [CitusFact]
    public async Task An_upgrade_of_the_extension_gives_the_API_nothing_back()
    {
        foreach (var server in new[] { fixture.Cluster.Coordinator, fixture.Cluster.Workers[0] })
        {
            await using var superuser = await OpenAsync(server, Superuser);
            await ExecuteAsync(superuser, "SET citus.enable_ddl_propagation = off");

            // As a new version of the extension makes a function: everybody may run it.
            await ExecuteAsync(superuser, "GRANT EXECUTE ON FUNCTION citus_rebalance_stop() TO PUBLIC");
            (await ListAsync(superuser, "SELECT has_function_privilege('dinehub_api', 'citus_rebalance_stop()', 'EXECUTE')::text")).ShouldBe(["true"]);
            await ExecuteAsync(superuser, "ALTER EXTENSION citus UPDATE");

            await using var api = await OpenAsync(server, DatabaseOptions.ApiRole);
            await ShouldBeRefusedAsync(api, "SELECT citus_rebalance_stop()", server.Name);
            (await ListAsync(superuser, "SELECT has_function_privilege('dinehub_migrator', 'citus_rebalance_stop()', 'EXECUTE')::text")).ShouldBe(["true"]);
        }
    }

    [Fact]
    public async Task No_role_has_more_attributes_than_it_needs()
    {
        foreach (var server in fixture.Cluster.Databases)
        {
            await using var superuser = await OpenAsync(server, Superuser);
            (await ListAsync(
                superuser,
                """
                SELECT rolname || CASE WHEN rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls THEN ' may too much' ELSE '' END
                       || CASE WHEN rolreplication THEN ' replicates' ELSE '' END || CASE WHEN rolcanlogin THEN ' signs in' ELSE '' END
                FROM pg_roles WHERE rolname LIKE 'dinehub%' ORDER BY 1
                """)).ShouldBe(
                [
                    "dinehub_api signs in",
                    "dinehub_migrator signs in",
                    "dinehub_monitor signs in",
                    TestEngine.IsCitus ? "dinehub_owner signs in" : "dinehub_owner",
                    "dinehub_replication replicates signs in",
                ],
                server.Name);
            (await ListAsync(superuser, "SELECT rolname::text FROM pg_roles WHERE (rolsuper OR rolcreaterole OR rolcreatedb) AND rolname !~ '^pg_'")).ShouldBe([Superuser]);
        }
    }

    [Fact]
    public async Task Every_table_is_the_owners()
    {
        foreach (var server in fixture.Cluster.Databases)
        {
            await using var superuser = await OpenAsync(server, Superuser);
            (await ListAsync(
                superuser,
                """
                SELECT format('%I.%I is %s''s', space.nspname, class.relname, class.relowner::regrole)
                FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
                WHERE space.nspname IN ('public', 'dinehub') AND class.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND class.relowner <> 'dinehub_owner'::regrole
                  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
                """)).ShouldBeEmpty(server.Name);
        }
    }

    [Fact]
    public async Task Signing_in_takes_a_password_everywhere_and_roles_stay_out_of_other_databases()
    {
        foreach (var server in fixture.Cluster.Databases)
        {
            await using var superuser = await OpenAsync(server, Superuser);
            (await ListAsync(superuser, "SELECT DISTINCT auth_method FROM pg_hba_file_rules")).ShouldBe(["scram-sha-256"], server.Name);
            (await ListAsync(superuser, "SELECT error FROM pg_hba_file_rules WHERE error IS NOT NULL")).ShouldBeEmpty();
            (await ListAsync(superuser, "SELECT current_setting('password_encryption')")).ShouldBe(["scram-sha-256"]);
            (await ListAsync(superuser, "SELECT rolname::text FROM pg_authid WHERE rolcanlogin AND (rolpassword IS NULL OR rolpassword NOT LIKE 'SCRAM-SHA-256$%')")).ShouldBeEmpty();
            foreach (var role in DatabaseRoles.WithPassword)
            {
                (await ListAsync(superuser, $"SELECT datname::text FROM pg_database WHERE datname IN ('postgres', 'template1') AND has_database_privilege('{role.Name}', oid, 'CONNECT')")).ShouldBeEmpty(role.Name);
            }
        }

        foreach (var role in DatabaseRoles.WithPassword)
        {
            foreach (var database in new[] { "postgres", "template1" })
            {
                var refusal = await Should.ThrowAsync<PostgresException>(() => OpenAsync(fixture.Cluster.Coordinator, role.Name, database));
                refusal.SqlState.ShouldBeOneOf(PostgresErrorCodes.InvalidAuthorizationSpecification, PostgresErrorCodes.InsufficientPrivilege);
            }
        }
    }

    [Fact]
    public async Task The_monitor_sees_replication_and_no_row()
    {
        foreach (var server in new[] { fixture.Cluster.Coordinator, fixture.Cluster.Workers[0] })
        {
            await using var monitor = await OpenAsync(server, DatabaseRoles.Monitor);
            await Eventually.TrueAsync(
                async () => (await ListAsync(monitor, "SELECT application_name || ' ' || sync_state FROM pg_stat_replication WHERE state = 'streaming' AND flush_lsn IS NOT NULL AND client_addr IS NOT NULL"))
                    .SequenceEqual([server.Name + "-standby sync"]),
                $"the monitor sees the standby of {server.Name}");
            (await ReadableAsync(monitor)).ShouldBe(["dinehub.migrations", "dinehub.primaries", "dinehub.settings"]);
            (await WritableAsync(monitor)).ShouldBeEmpty();
            await ShouldBeRefusedAsync(monitor, "SELECT FROM orders", server.Name);
            await ShouldBeRefusedAsync(monitor, "SELECT password_hash FROM accounts", server.Name);
            await ShouldBeRefusedAsync(monitor, "SELECT rolpassword FROM pg_authid", server.Name);
            await ShouldBeRefusedAsync(monitor, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'", server.Name);
        }
    }

    [Fact]
    public async Task The_role_of_the_standbys_reads_who_is_the_primary_and_no_other_table()
    {
        foreach (var server in new[] { fixture.Cluster.Coordinator, fixture.Cluster.Workers[0] })
        {
            await using var replication = await OpenAsync(server, DatabaseRoles.Replication);
            (await ReadableAsync(replication)).ShouldBe(["dinehub.primaries"]);
            (await WritableAsync(replication)).ShouldBeEmpty();
            await ShouldBeRefusedAsync(replication, "SELECT password_hash FROM public.accounts", server.Name);
            await ShouldBeRefusedAsync(replication, "CREATE TABLE public.scratch (n integer)", server.Name);
            await ShouldBeRefusedAsync(replication, "ALTER SYSTEM SET primary_conninfo = ''", server.Name);
        }
    }

    [Fact]
    public async Task The_migrator_changes_tables_and_is_no_superuser()
    {
        foreach (var server in new[] { fixture.Cluster.Coordinator, fixture.Cluster.Workers[0] })
        {
            await using var migrator = await OpenAsync(server, DatabaseRoles.Migrator);
            await using (var transaction = await migrator.BeginTransactionAsync())
            {
                if (server == fixture.Cluster.Coordinator || !TestEngine.IsCitus)
                {
                    await ExecuteAsync(migrator, "SET LOCAL lock_timeout = '60s'");
                    await ExecuteAsync(migrator, "ALTER TABLE dinehub.settings ADD COLUMN scratch integer");
                    await ExecuteAsync(migrator, "ALTER TABLE invitations ADD COLUMN scratch integer");
                }

                await transaction.RollbackAsync();
            }

            foreach (var statement in new[]
            {
                "SELECT rolpassword FROM pg_authid", "ALTER SYSTEM SET work_mem = '1GB'", "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')",
                "CREATE ROLE scratch", "ALTER ROLE dinehub_api SUPERUSER", "CREATE DATABASE scratch", "SET SESSION AUTHORIZATION postgres", "SELECT pg_promote()",
            })
            {
                await ShouldBeRefusedAsync(migrator, statement, server.Name);
            }
        }
    }

    [Fact]
    public async Task Password_hashes_are_readable_by_the_API_and_the_owner_only()
    {
        foreach (var server in fixture.Cluster.Databases)
        {
            await using var superuser = await OpenAsync(server, Superuser);
            (await ListAsync(
                superuser,
                """
                SELECT DISTINCT role.rolname::text FROM pg_roles AS role, pg_class AS class
                WHERE class.relname ~ '^accounts' AND class.relkind IN ('r', 'p', 'f') AND NOT role.rolsuper AND role.rolname !~ '^pg_'
                  AND has_column_privilege(role.oid, class.oid, 'password_hash', 'SELECT')
                ORDER BY 1
                """)).Except(["dinehub_api", "dinehub_migrator", "dinehub_owner"]).ShouldBeEmpty(server.Name);
        }
    }

    private static async Task ShouldBeRefusedAsync(NpgsqlConnection connection, string statement, string server)
    {
        var refusal = await Should.ThrowAsync<PostgresException>(() => ExecuteAsync(connection, statement), $"{server}: {statement}");
        refusal.SqlState.ShouldBeOneOf([PostgresErrorCodes.InsufficientPrivilege, PostgresErrorCodes.CantChangeRuntimeParam], $"{server}: {statement}: {refusal.MessageText}");
    }

    private static Task<List<string>> ReadableAsync(NpgsqlConnection connection) => TablesAsync(connection, "SELECT");

    private static Task<List<string>> WritableAsync(NpgsqlConnection connection) => TablesAsync(connection, "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER");

    private static Task<List<string>> TablesAsync(NpgsqlConnection connection, string privileges) => ListAsync(
        connection,
        $"""
        SELECT space.nspname || '.' || class.relname
        FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
        WHERE space.nspname IN ('public', 'dinehub') AND class.relkind IN ('r', 'p', 'f', 'v', 'm') AND has_table_privilege(class.oid, '{privileges}')
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
        ORDER BY 1
        """);

    private static async Task<List<string>> ListAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static DatabaseOptions Options(ClusterFixture fixture)
    {
        var configuration = new ConfigurationManager();
        foreach (var (key, value) in fixture.Cluster.DatabaseEnvironment)
        {
            configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        return DatabaseOptions.Read(configuration);
    }

    private async Task<NpgsqlConnection> OpenAsync(ServerHandle server, string role, string database = DatabaseOptions.DatabaseName)
    {
        var settings = new NpgsqlConnectionStringBuilder(server.AdminConnectionString(database)) { Pooling = false };
        if (role != Superuser)
        {
            (settings.Username, settings.Password) = (role, options.Passwords[role]);
        }

        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
