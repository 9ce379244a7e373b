namespace DineHub.Database.Growth;

/// <summary>Which shard groups move so that the workers of each region hold the same number of them, give or take one. Pure.</summary>
public static class RebalancePlan
{
    /// <summary>
    /// The fewest moves within regions. A worker that takes no shards ends with none; where no worker of its region takes any, it keeps them.
    /// </summary>
    /// <param name="workers">The workers, in the order of the topology.</param>
    /// <param name="groups">All shard groups. Those of other workers stay.</param>
    /// <returns>The moves, region by region. Isolated restaurants, which may be large, move only where nothing else can.</returns>
    public static IReadOnlyList<ShardMove> Of(IReadOnlyList<ShardWorker> workers, IReadOnlyList<ShardGroup> groups)
    {
        ArgumentNullException.ThrowIfNull(workers);
        ArgumentNullException.ThrowIfNull(groups);
        var byWorker = groups.ToLookup(group => group.Worker);
        return [.. workers.GroupBy(worker => worker.Region).SelectMany(region => OfRegion([.. region], byWorker))];
    }

    private static IEnumerable<ShardMove> OfRegion(IReadOnlyList<ShardWorker> workers, ILookup<string, ShardGroup> groups)
    {
        // Those that hold most keep the one that is over: each of them gives one less.
        var takers = workers.Where(worker => worker.TakesShards).OrderByDescending(worker => groups[worker.Name].Count()).ToList();
        if (takers.Count == 0)
        {
            return [];
        }

        var (share, over) = Math.DivRem(workers.Sum(worker => groups[worker.Name].Count()), takers.Count);
        var wanted = takers.Index().ToDictionary(taker => taker.Item.Name, taker => share + (taker.Index < over ? 1 : 0));
        var free = takers.SelectMany(taker => Enumerable.Repeat(taker.Name, Math.Max(0, wanted[taker.Name] - groups[taker.Name].Count())));
        var surplus = workers.SelectMany(worker =>
            groups[worker.Name].OrderByDescending(group => group.IsIsolated).ThenBy(group => group.First).Skip(wanted.GetValueOrDefault(worker.Name)));
        return surplus.Zip(free, (group, taker) => new ShardMove(group, taker));
    }
}
