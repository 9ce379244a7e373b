using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>A shard group in <c>db shards</c>.</summary>
/// <param name="Node">The worker that holds it.</param>
/// <param name="Region">The worker's region.</param>
/// <param name="Shard">The id of its shard of <c>orders</c>; on stock PostgreSQL the worker's partition, from 0.</param>
/// <param name="IsIsolated">Whether it holds a single restaurant.</param>
/// <param name="Restaurants">Restaurants of the directory that live in it.</param>
/// <param name="Orders">Its orders, as the statistics estimate them; null where the worker does not answer.</param>
/// <param name="Bytes">The size of all its tables with their indexes; null where the worker does not answer.</param>
/// <param name="OrdersPerSecond">Orders placed per second between the two looks; null where the worker does not answer, or moved the group meanwhile.</param>
/// <param name="IsLarge">Whether it has more than three times the median of all groups' bytes.</param>
public sealed record ShardLoad(
    string Node, string Region, long Shard, bool IsIsolated, int Restaurants, long? Orders, long? Bytes, double? OrdersPerSecond, bool IsLarge);

/// <summary>A worker in <c>db shards</c>.</summary>
/// <param name="Node">The worker.</param>
/// <param name="Region">Its region.</param>
/// <param name="Groups">Shard groups on it.</param>
/// <param name="Restaurants">Restaurants on it.</param>
/// <param name="Orders">Their orders, estimated; null where it does not answer.</param>
/// <param name="Bytes">The size of its shards; null where it does not answer.</param>
/// <param name="OrdersPerSecond">Orders placed per second; null where it does not answer.</param>
/// <param name="Skew">The bytes of its largest group, divided by the median of all groups; null where either is not known.</param>
/// <param name="Problem">Why it does not answer, in one line.</param>
public sealed record NodeLoad(
    string Node, string Region, int Groups, int Restaurants, long? Orders, long? Bytes, double? OrdersPerSecond, double? Skew, string? Problem);

/// <summary>What <c>db shards</c> shows.</summary>
/// <param name="Engine">The engine that keeps the data. Stock PostgreSQL has one partition a worker.</param>
/// <param name="MedianBytes">The median of the groups' bytes; null where none is known.</param>
/// <param name="Nodes">The workers.</param>
/// <param name="Shards">The shard groups, worker by worker.</param>
public sealed record ShardReport(EngineChoice Engine, double? MedianBytes, IReadOnlyList<NodeLoad> Nodes, IReadOnlyList<ShardLoad> Shards)
{
    /// <summary>A group with more bytes than this many medians is large.</summary>
    public const int LargeFactor = 3;

    /// <summary>Looks twice at each worker; those that do not answer are part of the result. The coordinator must answer.</summary>
    /// <param name="options">The cluster, with the addresses of the topology.</param>
    /// <param name="interval">The time between the two looks; with zero one look, and no orders per second.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="NpgsqlException">The coordinator does not answer.</exception>
    public static async Task<ShardReport> ReadAsync(DatabaseOptions options, TimeSpan interval, TimeProvider time, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        var cluster = await DatabaseCluster.ResolveAsync(options, ct);
        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        var first = await LookAsync(cluster, ct);
        var began = time.GetTimestamp();
        var second = first;
        if (interval > TimeSpan.Zero)
        {
            await Task.Delay(interval, time, ct);
            second = await LookAsync(cluster, ct);
        }

        var seconds = interval > TimeSpan.Zero ? time.GetElapsedTime(began).TotalSeconds : (double?)null;
        var groups = engine.Kind == EngineChoice.Citus
            ? (await ShardMap.ReadAsync(coordinator, ct)).Groups
            : [.. options.Workers.Select((worker, index) => new ShardGroup(index, worker.Name, int.MinValue, int.MaxValue))];
        return Of(engine.Kind, options.Workers, groups, await RestaurantsAsync(coordinator, engine, ct), first, second, seconds);
    }

    /// <summary>Puts what was seen together. Pure.</summary>
    internal static ShardReport Of(
        EngineChoice engine,
        IReadOnlyList<DatabaseNode> workers,
        IReadOnlyList<ShardGroup> groups,
        IReadOnlyDictionary<long, int> restaurants,
        IReadOnlyDictionary<string, WorkerLook> first,
        IReadOnlyDictionary<string, WorkerLook> second,
        double? seconds)
    {
        var isCitus = engine == EngineChoice.Citus;
        ShardSize? Size(IReadOnlyDictionary<string, WorkerLook> looks, ShardGroup group) =>
            looks.GetValueOrDefault(group.Worker)?.Sizes?.FirstOrDefault(size => !isCitus || size.Shard == group.Shard);

        var median = Median([.. groups.Select(group => Size(second, group)?.Bytes).OfType<long>().Order()]);
        List<ShardLoad> shards = [];
        foreach (var worker in workers)
        {
            foreach (var group in groups.Where(group => group.Worker == worker.Name).OrderBy(group => group.First))
            {
                var (before, now) = (Size(first, group), Size(second, group));
                var rate = before is null || now is null || seconds is null ? null : Math.Max(0, now.Inserted - before.Inserted) / seconds;
                shards.Add(new ShardLoad(
                    worker.Name, worker.Region, group.Shard, group.IsIsolated, restaurants.GetValueOrDefault(group.Shard), now?.Orders, now?.Bytes, rate, now?.Bytes > LargeFactor * median));
            }
        }

        return new ShardReport(engine, median, [.. workers.Select(worker => OfNode(worker, [.. shards.Where(shard => shard.Node == worker.Name)], median, second[worker.Name].Problem))], shards);
    }

    private static NodeLoad OfNode(DatabaseNode worker, IReadOnlyList<ShardLoad> shards, double? median, string? problem)
    {
        var answers = problem is null;
        return new NodeLoad(
            worker.Name,
            worker.Region,
            shards.Count,
            shards.Sum(shard => shard.Restaurants),
            answers ? shards.Sum(shard => shard.Orders ?? 0) : null,
            answers ? shards.Sum(shard => shard.Bytes ?? 0) : null,
            answers && shards.Any(shard => shard.OrdersPerSecond is not null) ? shards.Sum(shard => shard.OrdersPerSecond ?? 0) : null,
            median > 0 ? shards.Max(shard => shard.Bytes) / median : null,
            problem);
    }

    private static double? Median(IReadOnlyList<long> sorted) =>
        sorted.Count == 0 ? null : (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2.0;

    private static async Task<Dictionary<string, WorkerLook>> LookAsync(DatabaseCluster cluster, CancellationToken ct) =>
        (await Task.WhenAll(cluster.Options.Workers.Select(async worker => (worker.Name, Look: await LookAsync(cluster.Connections, worker, ct))))).ToDictionary(one => one.Name, one => one.Look);

    private static async Task<WorkerLook> LookAsync(NodeConnections connections, DatabaseNode worker, CancellationToken ct)
    {
        try
        {
            await using var connection = await connections.OpenAsync(worker, DatabaseOptions.DatabaseName, ct);
            return new WorkerLook(await ShardSize.ReadAsync(connection, ct), Problem: null);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return new WorkerLook(Sizes: null, e.Message.ReplaceLineEndings(" "));
        }
    }

    private static async Task<Dictionary<long, int>> RestaurantsAsync(NpgsqlConnection coordinator, IDatabaseEngine engine, CancellationToken ct)
    {
        var places = engine.Kind == EngineChoice.Citus
            ? await coordinator.ListAsync("SELECT get_shard_id_for_distribution_column('orders', id) FROM restaurants", row => row.GetInt64(0), ct)
            : [.. (await coordinator.ListAsync(
                "SELECT workers.position FROM restaurants, workers, (SELECT count(*)::integer AS all_of_them FROM workers) AS counted "
                + "WHERE satisfies_hash_partition('orders'::regclass, all_of_them, workers.position, restaurants.id)", row => row.GetInt32(0), ct)).Select(position => (long)position)];
        return places.CountBy(place => place).ToDictionary();
    }
}

/// <summary>What one worker answered.</summary>
/// <param name="Sizes">Its shard groups; null where it does not answer.</param>
/// <param name="Problem">Why it does not answer, in one line.</param>
internal sealed record WorkerLook(IReadOnlyList<ShardSize>? Sizes, string? Problem);
