using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Locality;

/// <summary>
/// Ids of new restaurants, such that their rows live on a worker in the restaurant's own region: no routing table is needed. Asks any
/// node, on either engine, only for what every node has: the table <c>workers</c> and the engine's own metadata.
/// </summary>
/// <param name="dataSource">The database, as the API's role.</param>
public sealed class RestaurantIds(NpgsqlDataSource dataSource)
{
    // With a region on one of 20 workers, once in 500,000 restaurants none of them would be there.
    private const int Candidates = 256;

    /// <summary>A random id (UUID version 7) for a restaurant of a region; any, where no worker stands there.</summary>
    /// <param name="region">The region.</param>
    /// <param name="now">The time that goes into the id.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<Guid> NewAsync(string region, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        return await FirstLocalAsync(connection, region, [.. Enumerable.Range(0, Candidates).Select(_ => Guid.CreateVersion7(now))], ct);
    }

    /// <summary>The first candidate whose rows live on a worker of a region; the first of all, where none does.</summary>
    /// <param name="connection">A connection to any node.</param>
    /// <param name="region">The region.</param>
    /// <param name="candidates">The ids to choose from; at least one.</param>
    /// <param name="ct">Cancels the work.</param>
    internal static async Task<Guid> FirstLocalAsync(
        NpgsqlConnection connection, string region, IReadOnlyList<Guid> candidates, CancellationToken ct)
    {
        var workers = await WorkersAsync(connection, ct);
        if (!workers.Exists(worker => worker.Region == region))
        {
            return candidates[0];
        }

        var located = await LocateAsync(connection, workers, candidates, ct);
        var local = candidates.FirstOrDefault(id => located.TryGetValue(id, out var worker) && worker.Region == region);
        return local == Guid.Empty ? candidates[0] : local;
    }

    /// <summary>The table <c>workers</c>.</summary>
    internal static Task<List<Worker>> WorkersAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.ListAsync(
            "SELECT name, region, position, node_id FROM workers",
            row => new Worker(row.GetString(0), row.GetString(1), row.GetInt32(2), row.IsDBNull(3) ? null : row.GetInt32(3)),
            ct);

    /// <summary>The worker that holds the rows of each id.</summary>
    internal static async Task<Dictionary<Guid, Worker>> LocateAsync(
        NpgsqlConnection connection, IReadOnlyList<Worker> workers, IReadOnlyList<Guid> ids, CancellationToken ct)
    {
        // Only Citus numbers its nodes. No join with "workers" there: that is for Citus to plan, the rest is each node's own catalog.
        var isCitus = workers.Any(worker => worker.NodeId is not null);
        var byPlace = workers.Where(worker => !isCitus || worker.NodeId is not null).ToDictionary(worker => isCitus ? worker.NodeId!.Value : worker.Position);
        var places = await connection.ListAsync(
            isCitus
                ? """
                  SELECT wanted.id, node.nodeid
                  FROM (SELECT id, get_shard_id_for_distribution_column('orders', id) AS shard_id FROM unnest($1) AS id) AS wanted
                  JOIN pg_dist_placement AS placement ON placement.shardid = wanted.shard_id
                  JOIN pg_dist_node AS node ON node.groupid = placement.groupid AND node.noderole = 'primary'
                  """
                : PostgresEngine.RemainderOfIds,
            row => (Id: row.GetGuid(0), Place: row.GetInt32(1)),
            ct,
            isCitus ? [ids.ToArray()] : [ids.ToArray(), workers.Count]);
        return places.Where(one => byPlace.ContainsKey(one.Place)).ToDictionary(one => one.Id, one => byPlace[one.Place]);
    }
}
