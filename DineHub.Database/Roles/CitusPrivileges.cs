using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Roles;

/// <summary>
/// Takes Citus's functions from PUBLIC, except those that statements need. The extension grants about 250 to everybody, among them
/// <c>run_command_on_all_nodes</c>, <c>citus_move_shard_placement</c> and <c>citus_rebalance_start</c>. The owner, and so the migrator, keeps them all; the monitor
/// those that read statistics.
/// </summary>
internal static class CitusPrivileges
{
    // Aggregates, types, shards of a value, nodes, and what the nodes call of each other while they run a statement as the API's role: transactions,
    // locks of shards, intermediate results (Citus 13: executor, planner, transaction).
    private const string OfStatements = """
        ^(any_value|any_value_agg|array_cat_agg|jsonb?_cat_agg|citus_jsonb?_concatenate(_final)?|coord_combine_agg(_sfunc|_ffunc)?|worker_partial_agg(_sfunc|_ffunc)?
        |cluster_clock_.*|citus_text_send_as_jsonb|citus_extradata_container|worker_hash|worker_nextval
        |assign_distributed_transaction_id|get_current_transaction_id|lock_shard_resources|lock_shard_metadata|lock_relation_if_exists
        |read_intermediate_results?|fetch_intermediate_results|worker_partition_query_result|worker_(save_query|last_saved)_explain_analyze
        |get_shard_id_for_distribution_column|shard_name|relation_is_a_known_shard|citus_table_is_visible|column_name_to_column|column_to_column_name
        |get_nodeid_for_groupid|citus_version|citus_server_id|citus_backend_gpid|citus_calculate_gpid|citus_(nodeid|pid)_for_gpid|citus_node(name|port)_for_nodeid
        |citus_coordinator_nodeid|citus_is_coordinator|citus_is_primary_node|citus_get_active_worker_nodes)$
        """;

    private const string OfStatistics = """
        ^(citus_stat_(activity|statements|counters|tenants|tenants_local)|citus_query_stats|citus_executor_name|citus_locks|citus_shard_sizes
        |citus_shards_on_worker|citus_shard_indexes_on_worker|citus_((total_)?relation|table)_size|citus_local_disk_space_stats|citus_job_(list|status)
        |citus_rebalance_status|get_rebalance_progress|get_(all|global)_active_transactions|(citus_internal_)?(local|global)_blocked_processes)$
        """;

    // In PL/pgSQL, for DO and for the event trigger: functions that a new version of the extension brings are everybody's again.
    private static readonly string Body = $"""
        DECLARE found record;
        BEGIN
          FOR found IN
            SELECT function.oid::regprocedure AS signature, function.proname ~ '{OneLine(OfStatistics)}' AS is_statistic
            FROM pg_catalog.pg_proc AS function
            JOIN pg_catalog.pg_depend AS member ON member.classid = 'pg_catalog.pg_proc'::regclass AND member.objid = function.oid AND member.deptype = 'e'
            JOIN pg_catalog.pg_extension AS extension ON member.refclassid = 'pg_catalog.pg_extension'::regclass AND extension.oid = member.refobjid
            WHERE extension.extname = 'citus' AND function.proname !~ '{OneLine(OfStatements)}'
              AND EXISTS (SELECT FROM aclexplode(coalesce(function.proacl, acldefault('f', function.proowner))) WHERE grantee = 0)
          LOOP
            EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', found.signature);
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO dinehub_owner', found.signature);
            IF found.is_statistic THEN
              EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO dinehub_monitor', found.signature);
            END IF;
          END LOOP;
          IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'citus_internal') THEN
            REVOKE ALL ON SCHEMA citus_internal FROM PUBLIC;
            GRANT USAGE ON SCHEMA citus_internal TO dinehub_owner, dinehub_monitor;
          END IF;
        """;

    // One function that calls no other of ours: the owner of the schema could replace that, and this one runs as a superuser. An upgrade of the
    // extension goes on where this fails; the next "db migrate" repeats it.
    private static readonly string Install = $"""
        DROP EVENT TRIGGER IF EXISTS dinehub_withhold_citus;
        DROP FUNCTION IF EXISTS dinehub.withhold_citus();
        CREATE FUNCTION dinehub.withhold_citus() RETURNS event_trigger LANGUAGE plpgsql
          SET search_path = pg_catalog, pg_temp SET citus.enable_ddl_propagation = off AS $withhold$
        {Body}
        EXCEPTION WHEN OTHERS THEN
          RAISE WARNING 'the functions of Citus are not withheld from dinehub_api (%): run "db migrate"', SQLERRM;
        END $withhold$;
        REVOKE ALL ON FUNCTION dinehub.withhold_citus() FROM PUBLIC;
        CREATE EVENT TRIGGER dinehub_withhold_citus ON ddl_command_end WHEN TAG IN ('CREATE EXTENSION', 'ALTER EXTENSION') EXECUTE FUNCTION dinehub.withhold_citus();
        """;

    /// <summary>Withholds them on one node, now and after each upgrade of the extension.</summary>
    /// <param name="node">A superuser's connection to the database, which has the extension.</param>
    /// <param name="ct">Cancels the work.</param>
    public static async Task WithholdAsync(NpgsqlConnection node, CancellationToken ct)
    {
        await using var transaction = await node.BeginTransactionAsync(ct);
        await node.ExecuteAsync("SET LOCAL citus.enable_ddl_propagation = off; SET LOCAL search_path = pg_catalog, pg_temp", ct);
        await node.ExecuteAsync($"DO $withhold$ {Body} END $withhold$", ct);
        await node.ExecuteAsync(Install, ct);
        await transaction.CommitAsync(ct);
    }

    private static string OneLine(string pattern) => pattern.ReplaceLineEndings("");
}
