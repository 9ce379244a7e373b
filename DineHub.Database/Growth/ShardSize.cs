using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>One shard group as its worker counts it.</summary>
/// <param name="Shard">The id of its shard of <c>orders</c>; on stock PostgreSQL 0, as a worker has one partition.</param>
/// <param name="IsIsolated">Whether it holds a single restaurant.</param>
/// <param name="Bytes">The size of all its tables with their indexes.</param>
/// <param name="Orders">Its orders, as the statistics estimate them.</param>
/// <param name="Inserted">Orders inserted since the statistics were reset: the difference of two looks counts.</param>
internal sealed record ShardSize(long Shard, bool IsIsolated, long Bytes, long Orders, long Inserted)
{
    // The statistics are lost in a crash, the estimate of the last vacuum is not. Metadata and catalogs only: no row is read.
    private const string OfCitus =
        """
        SELECT min(shard.shardid) FILTER (WHERE piece.is_orders), bool_and(shard.shardminvalue = shard.shardmaxvalue),
               coalesce(sum(pg_total_relation_size(piece.id)), 0)::bigint,
               coalesce(sum(greatest(pg_stat_get_live_tuples(piece.id), class.reltuples::bigint, 0)) FILTER (WHERE piece.is_orders), 0)::bigint,
               coalesce(sum(pg_stat_get_tuples_inserted(piece.id)) FILTER (WHERE piece.is_orders), 0)::bigint
        FROM pg_dist_placement AS placement
        JOIN pg_dist_shard AS shard ON shard.shardid = placement.shardid
        JOIN pg_dist_partition AS distributed ON distributed.logicalrelid = shard.logicalrelid
        CROSS JOIN LATERAL (SELECT to_regclass(shard_name(shard.logicalrelid, shard.shardid))::oid, shard.logicalrelid = 'public.orders'::regclass) AS piece (id, is_orders)
        LEFT JOIN pg_class AS class ON class.oid = piece.id
        WHERE placement.groupid = (SELECT groupid FROM pg_dist_local_group)
          AND distributed.colocationid = (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = 'public.orders'::regclass)
        GROUP BY shard.shardminvalue, shard.shardmaxvalue
        HAVING count(*) FILTER (WHERE piece.is_orders) > 0
        """;

    private const string OfPostgres =
        """
        SELECT 0::bigint, false,
               coalesce(sum(pg_total_relation_size(class.oid)), 0)::bigint,
               coalesce(sum(greatest(pg_stat_get_live_tuples(class.oid), class.reltuples::bigint, 0)) FILTER (WHERE class.relname = 'orders'), 0)::bigint,
               coalesce(sum(pg_stat_get_tuples_inserted(class.oid)) FILTER (WHERE class.relname = 'orders'), 0)::bigint
        FROM pg_class AS class WHERE class.relnamespace = 'public'::regnamespace AND class.relkind = 'r'
        """;

    /// <summary>Asks a worker.</summary>
    /// <param name="worker">A connection to it, as a superuser.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>Its shard groups, in no order; on stock PostgreSQL one.</returns>
    public static async Task<IReadOnlyList<ShardSize>> ReadAsync(NpgsqlConnection worker, CancellationToken ct)
    {
        var isCitus = await worker.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", ct);
        if (isCitus)
        {
            // Citus hides shards from what looks at pg_class.
            await worker.ExecuteAsync("SET citus.override_table_visibility = off", ct);
        }

        return await worker.ListAsync(
            isCitus ? OfCitus : OfPostgres,
            row => new ShardSize(row.GetInt64(0), row.GetBoolean(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)),
            ct);
    }
}
