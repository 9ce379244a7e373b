using DineHub.Database.Connections;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Locality;

/// <summary>
/// Ids of new restaurants, such that their rows live on a worker in the restaurant's own region: no routing table is needed. Asks any
/// node, on either engine, only for what every node has: the table <c>workers</c> and the engine's own metadata.
/// </summary>
/// <param name="database">The database, as the API's role.</param>
public sealed class RestaurantIds(ApiConnections database)
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
        Guid[] candidates = [.. Enumerable.Range(0, Candidates).Select(_ => Guid.CreateVersion7(now))];
        return await database.RunAsync((connection, token) => FirstLocalAsync(connection, region, candidates, token), ct);
    }

    /// <summary>One of the candidates, as <see cref="Choose"/> says.</summary>
    /// <param name="connection">A connection to any node.</param>
    /// <param name="region">The region.</param>
    /// <param name="candidates">The ids to choose from; at least one.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <param name="turn">Which of the region's workers is preferred; null for none.</param>
    internal static async Task<Guid> FirstLocalAsync(
        NpgsqlConnection connection, string region, IReadOnlyList<Guid> candidates, CancellationToken ct, int? turn = null)
    {
        var workers = await WorkersAsync(connection, ct);
        return workers.Exists(worker => worker.Region == region)
            ? Choose(workers, region, turn, candidates, await LocateAsync(connection, workers, candidates, ct))
            : candidates[0];
    }

    /// <summary>
    /// The first candidate whose rows live on the worker of the region whose turn it is; else on any worker of the region; the first of all, where none does.
    /// </summary>
    /// <param name="workers">All workers.</param>
    /// <param name="region">The region.</param>
    /// <param name="turn">A number from 0: that of the worker among the region's, after as many as there are the first again; null for any.</param>
    /// <param name="candidates">The ids to choose from; at least one.</param>
    /// <param name="located">The worker of each.</param>
    internal static Guid Choose(
        IReadOnlyList<Worker> workers, string region, int? turn, IReadOnlyList<Guid> candidates, IReadOnlyDictionary<Guid, Worker> located)
    {
        var local = workers.Where(worker => worker.Region == region).OrderBy(worker => worker.Position).ToList();
        var preferred = turn is { } number && local.Count > 0 ? local[number % local.Count] : null;
        Guid? First(Func<Worker, bool> fits) => candidates.Where(id => located.TryGetValue(id, out var worker) && fits(worker)).Cast<Guid?>().FirstOrDefault();
        return First(worker => worker == preferred) ?? First(local.Contains) ?? candidates[0];
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
