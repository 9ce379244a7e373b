using DineHub.Database.Growth;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Database.Growth;

/// <summary>Which shard groups move, for any spread over any workers.</summary>
public sealed class RebalancePlanTests
{
    private static readonly string[] Regions = ["eu-west-1", "us-east-1", "ap-1"];

    private static readonly Gen<Cluster> Clusters =
        from count in Gen.Choose(1, 7)
        from regions in Gen.Elements(Regions).ArrayOf(count)
        from takes in Gen.Frequency((4, Gen.Constant(true)), (1, Gen.Constant(false))).ArrayOf(count)
        from groups in Gen.Choose(0, 48)
        from places in Gen.Choose(0, count - 1).ArrayOf(groups)
        from isolated in Gen.Frequency((6, Gen.Constant(false)), (1, Gen.Constant(true))).ArrayOf(groups)
        select new Cluster(
            [.. Enumerable.Range(0, count).Select(i => new ShardWorker($"db-worker-{i + 1}", regions[i], takes[i]))],
            [.. places.Select((place, i) => new ShardGroup(1000 + i, $"db-worker-{place + 1}", i * 100, (i * 100) + (isolated[i] ? 0 : 99)))]);

    [Fact]
    public void No_group_leaves_its_region() => Check(cluster =>
        cluster.Plan.All(move => cluster.RegionOf(move.To) == cluster.RegionOf(move.Group.Worker)));

    [Fact]
    public void A_group_moves_once_and_to_another_worker() => Check(cluster =>
        cluster.Plan.Select(move => move.Group.Shard).Distinct().Count() == cluster.Plan.Count && cluster.Plan.All(move => move.To != move.Group.Worker && cluster.Groups.Contains(move.Group)));

    [Fact]
    public void The_workers_of_a_region_end_within_one_group() => Check(cluster =>
        cluster.Workers.Where(worker => worker.TakesShards).GroupBy(worker => worker.Region)
            .All(region => region.Max(worker => cluster.After(worker.Name)) - region.Min(worker => cluster.After(worker.Name)) <= 1));

    [Fact]
    public void A_worker_that_is_removed_ends_with_none_where_its_region_has_another() => Check(cluster =>
        cluster.Workers.Where(worker => !worker.TakesShards)
            .All(leaving => cluster.After(leaving.Name) == (cluster.Workers.Any(other => other.TakesShards && other.Region == leaving.Region) ? 0 : cluster.Before(leaving.Name))));

    [Fact]
    public void No_plan_that_ends_so_has_fewer_moves() => Check(cluster => cluster.Plan.Count == Regions.Sum(cluster.FewestMoves));

    [Fact]
    public void A_balanced_cluster_has_nothing_to_move() => Check(cluster =>
        RebalancePlan.Of(cluster.Workers, [.. cluster.Groups.Select(group => cluster.Plan.FirstOrDefault(move => move.Group == group) is { } move ? group with { Worker = move.To } : group)]).Count == 0);

    [Fact]
    public void A_plan_that_was_carried_out_in_part_goes_on_with_the_rest() => Check(cluster =>
    {
        var done = cluster.Plan.Take(cluster.Plan.Count / 2).ToDictionary(move => move.Group.Shard, move => move.To);
        var rest = RebalancePlan.Of(cluster.Workers, [.. cluster.Groups.Select(group => done.TryGetValue(group.Shard, out var to) ? group with { Worker = to } : group)]);
        return rest.Count == cluster.Plan.Count - done.Count;
    });

    [Fact]
    public void Isolated_restaurants_stay_where_others_can_move()
    {
        ShardGroup[] groups = [.. Enumerable.Range(0, 4).Select(i => new ShardGroup(i, "db-worker-1", i, i < 2 ? i : i + 1))];
        RebalancePlan.Of([new("db-worker-1", "eu-west-1"), new("db-worker-2", "eu-west-1")], groups).Select(move => move.Group.IsIsolated).ShouldBe([false, false]);
    }

    private static void Check(Func<Cluster, bool> holds) => Prop.ForAll(Clusters.ToArbitrary(), holds).QuickCheckThrowOnFailure();

    private sealed record Cluster(IReadOnlyList<ShardWorker> Workers, IReadOnlyList<ShardGroup> Groups)
    {
        public IReadOnlyList<ShardMove> Plan => RebalancePlan.Of(Workers, Groups);

        public string RegionOf(string worker) => Workers.Single(one => one.Name == worker).Region;

        public int Before(string worker) => Groups.Count(group => group.Worker == worker);

        public int After(string worker) => Before(worker) + Plan.Count(move => move.To == worker) - Plan.Count(move => move.Group.Worker == worker);

        /// <summary>By trying every choice of the workers that end with one group more than the others.</summary>
        public int FewestMoves(string region)
        {
            var takers = Workers.Where(worker => worker.Region == region && worker.TakesShards).Select(worker => Before(worker.Name)).ToList();
            var leaving = Workers.Where(worker => worker.Region == region && !worker.TakesShards).Sum(worker => Before(worker.Name));
            if (takers.Count == 0)
            {
                return 0;
            }

            var (share, over) = Math.DivRem(takers.Sum() + leaving, takers.Count);
            return leaving + Enumerable.Range(0, 1 << takers.Count)
                .Where(more => int.PopCount(more) == over)
                .Min(more => takers.Index().Sum(taker => Math.Max(0, taker.Item - share - ((more >> taker.Index) & 1))));
        }
    }
}
