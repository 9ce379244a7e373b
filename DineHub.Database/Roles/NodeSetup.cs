using DineHub.Database.Cluster;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Roles;

/// <summary>
/// What a server needs before a table can live on it, done as its superuser: the roles, the database, its schemas. May be repeated. Roles
/// belong to a server, and a database must exist before anything can live in it: neither can be part of a migration.
/// </summary>
internal sealed class NodeSetup(DatabaseOptions options, NodeConnections administrator)
{
    // "DineHub" in ASCII: one number for all versions, so that two runs take turns.
    public const long LockKey = 0x44696e65487562;

    private const string MakeRoles = """
        DO $do$
        DECLARE wanted record;
        BEGIN
          FOR wanted IN SELECT * FROM (VALUES
            ('dinehub_owner', 'NOLOGIN'),
            ('dinehub_api', 'LOGIN NOINHERIT'),
            ('dinehub_migrator', 'LOGIN'),
            ('dinehub_monitor', 'LOGIN'),
            ('dinehub_replication', 'LOGIN REPLICATION')) AS roles (name, attributes)
          LOOP
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
              EXECUTE format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE %s', wanted.name, wanted.attributes);
            END IF;
          END LOOP;
        END $do$;
        GRANT dinehub_owner TO dinehub_migrator;
        GRANT pg_monitor TO dinehub_monitor;
        -- Who holds the lock that a migration waits for, and since when.
        GRANT pg_read_all_stats TO dinehub_migrator;
        -- A statement that fails is written to the server's log with its values: names, addresses. It fails where it can be tried again, too.
        ALTER ROLE dinehub_api SET log_min_error_statement = 'panic';
        ALTER ROLE dinehub_api SET log_error_verbosity = 'terse';
        -- The API's own deadlines are shorter; these end what it has left behind.
        ALTER ROLE dinehub_api SET statement_timeout = '60s';
        ALTER ROLE dinehub_api SET idle_in_transaction_session_timeout = '60s';
        -- A statement that waits for a lock makes all others wait behind it. Citus's engine sets another time on its workers.
        DO $do$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = 'dinehub_migrator' AND setting LIKE 'lock_timeout=%') THEN
            ALTER ROLE dinehub_migrator SET lock_timeout = '2s';
          END IF;
        END $do$;
        REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
        """;

    // In the database itself. On Citus each node is set up by itself: what it is asked to propagate it would refuse on a worker.
    private const string MakeSchemas = """
        CREATE SCHEMA IF NOT EXISTS dinehub AUTHORIZATION dinehub_owner;
        ALTER SCHEMA dinehub OWNER TO dinehub_owner;
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE, CREATE ON SCHEMA public TO dinehub_owner;
        GRANT USAGE ON SCHEMA public TO dinehub_api, dinehub_migrator, dinehub_monitor;
        GRANT USAGE ON SCHEMA dinehub TO dinehub_monitor, dinehub_replication;
        -- What pg_rewind reads a primary's files by (its documentation, "Notes").
        GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),
          pg_read_binary_file(text, bigint, bigint, boolean) TO dinehub_replication;
        """;

    private const string GrantTables = """
        GRANT SELECT ON dinehub.primaries TO dinehub_monitor, dinehub_replication;
        GRANT SELECT ON dinehub.migrations, dinehub.settings TO dinehub_monitor;
        """;

    // Of earlier versions, which worked as the superuser.
    private static string HandOver(string schema) => $"""
        DO $do$
        DECLARE found record;
        BEGIN
          FOR found IN
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
            WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p', 'f') AND o.rolname <> 'dinehub_owner'
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
          LOOP
            EXECUTE format('ALTER TABLE %I.%I OWNER TO dinehub_owner', found.nspname, found.relname);
          END LOOP;
        END $do$
        """;

    /// <summary>Sets up one server, a primary.</summary>
    public async Task PrepareAsync(DatabaseNode node, CancellationToken ct)
    {
        await using var server = await administrator.OpenAsync(node, "postgres", ct);
        // Held to the end of this method: two runs that grant on the same schema at once fail.
        await server.ExecuteAsync("SELECT pg_advisory_lock($1)", ct, LockKey);

        // A failed statement is written to the server's log with its text, and these have passwords.
        await server.ExecuteAsync("SET log_min_error_statement = 'panic'; SET log_statement = 'none'", ct);
        await server.ExecuteAsync(MakeRoles, ct);
        foreach (var (role, password) in options.Passwords)
        {
            await server.ExecuteFormattedAsync("ALTER ROLE %1$I PASSWORD %2$L", ct, role, password);
        }

        if (!await server.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", ct, DatabaseOptions.DatabaseName))
        {
            await server.ExecuteFormattedAsync("CREATE DATABASE %1$I", ct, DatabaseOptions.DatabaseName);
        }

        await server.ExecuteFormattedAsync("REVOKE ALL ON DATABASE %1$I FROM PUBLIC", ct, DatabaseOptions.DatabaseName);
        foreach (var role in DatabaseRoles.WithPassword.Select(role => role.Name).Append(DatabaseRoles.Owner))
        {
            await server.ExecuteFormattedAsync("GRANT CONNECT ON DATABASE %1$I TO %2$I", ct, DatabaseOptions.DatabaseName, role);
        }

        await server.ExecuteFormattedAsync("GRANT TEMPORARY ON DATABASE %1$I TO %2$I", ct, DatabaseOptions.DatabaseName, DatabaseRoles.Migrator);

        await using var database = await administrator.OpenAsync(node, DatabaseOptions.DatabaseName, ct);
        await database.ExecuteAsync("SET citus.enable_ddl_propagation = off", ct);
        await database.ExecuteAsync(MakeSchemas, ct);
        foreach (var table in new[] { PrimaryRecords.CreateTable, MigrationLog.CreateTable, DatabaseCluster.CreateSettings })
        {
            await database.ExecuteAsync(table, ct);
        }

        await database.ExecuteAsync(GrantTables, ct);
        await database.ExecuteAsync(HandOver("dinehub"), ct);
    }

    /// <summary>Gives the tables of the schema public to the owner; on Citus the coordinator passes it on.</summary>
    public static Task HandOverAsync(NpgsqlConnection database, CancellationToken ct) => database.ExecuteAsync(HandOver("public"), ct);
}
