using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>Where the shard groups of a Citus cluster live, by its own metadata.</summary>
/// <param name="Nodes">The workers that are part of the cluster, by name.</param>
/// <param name="Groups">The shard groups, by hash value.</param>
internal sealed record ShardMap(IReadOnlyDictionary<string, ShardNode> Nodes, IReadOnlyList<ShardGroup> Groups)
{
    /// <summary>Reads the coordinator's metadata; no worker is asked.</summary>
    /// <param name="coordinator">A connection to the coordinator, as a superuser.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">A shard lives on a node that has no name.</exception>
    public static async Task<ShardMap> ReadAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        var nodes = await coordinator.ListAsync(
            """
            SELECT known.name, node.nodeid, node.nodename, node.nodeport, node.shouldhaveshards
            FROM dinehub.nodes AS known JOIN pg_dist_node AS node ON node.nodeid = known.node_id
            """,
            row => (Name: row.GetString(0), Node: new ShardNode(row.GetInt32(1), row.GetString(2), row.GetInt32(3), row.GetBoolean(4))),
            ct);
        var groups = await coordinator.ListAsync(
            """
            SELECT shard.shardid, known.name, shard.shardminvalue::integer, shard.shardmaxvalue::integer, node.nodename || ':' || node.nodeport
            FROM pg_dist_shard AS shard
            JOIN pg_dist_placement AS placement ON placement.shardid = shard.shardid
            JOIN pg_dist_node AS node ON node.groupid = placement.groupid AND node.noderole = 'primary'
            LEFT JOIN dinehub.nodes AS known ON known.node_id = node.nodeid
            WHERE shard.logicalrelid = to_regclass('public.orders')
            ORDER BY 3
            """,
            row => row.IsDBNull(1)
                ? throw new DatabaseSetupException($"Shard {row.GetInt64(0)} is on {row.GetString(4)}, which is not a known worker: run 'db migrate' with that worker in Database:Nodes.")
                : new ShardGroup(row.GetInt64(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3)),
            ct);
        return new ShardMap(nodes.ToDictionary(node => node.Name, node => node.Node), groups);
    }
}

/// <summary>A worker in pg_dist_node.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Host">The host that the nodes reach it by.</param>
/// <param name="Port">Its TCP port.</param>
/// <param name="TakesShards">False while it is being removed (<c>shouldhaveshards</c>).</param>
internal sealed record ShardNode(int Id, string Host, int Port, bool TakesShards);
