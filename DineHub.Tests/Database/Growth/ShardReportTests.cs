using DineHub.Database.Cluster;
using DineHub.Database.Growth;
using DineHub.Database.Nodes;

namespace DineHub.Tests.Database.Growth;

/// <summary>What <c>db shards</c> makes of what the workers answer.</summary>
public sealed class ShardReportTests
{
    private static readonly DatabaseNode[] Workers = [new("db-worker-1", "eu-west-1", "127.0.0.1", 5432), new("db-worker-2", "us-east-1", "127.0.0.1", 5433)];

    private static readonly ShardGroup[] Groups = [new(10, "db-worker-1", 0, 9), new(11, "db-worker-1", 10, 10), new(12, "db-worker-1", 11, 19), new(13, "db-worker-2", 20, 29)];

    [Fact]
    public void A_group_over_three_times_the_median_is_large_and_shows_in_the_skew_of_its_worker()
    {
        var report = Report(Look((10, 100, 0), (11, 300, 0), (12, 301, 0)), Look((13, 100, 0)));
        report.MedianBytes.ShouldBe(200);
        report.Shards.ShouldAllBe(shard => !shard.IsLarge);

        report = Report(Look((10, 100, 0), (11, 100, 0), (12, 301, 0)), Look((13, 100, 0)));
        report.Shards.Single(shard => shard.IsLarge).Shard.ShouldBe(12);
        report.Nodes.Select(node => node.Skew).ShouldBe([3.01, 1]);
    }

    [Fact]
    public void Orders_per_second_are_the_difference_of_two_looks()
    {
        var first = Looks(Look((10, 1, 100), (11, 1, 5), (12, 1, 50)), Look((13, 1, 7)));

        // One was reset meanwhile, one moved.
        var second = Looks(Look((10, 1, 108), (11, 1, 5), (12, 1, 3)), Look());
        var report = ShardReport.Of(EngineChoice.Citus, Workers, Groups, new Dictionary<long, int> { [10] = 2 }, first, second, seconds: 4);
        report.Shards.Select(shard => shard.OrdersPerSecond).ShouldBe([2, 0, 0, null]);
        report.Nodes.Select(node => node.OrdersPerSecond).ShouldBe([2, null]);
        report.Shards.Select(shard => shard.Restaurants).ShouldBe([2, 0, 0, 0]);
        report.Shards.Select(shard => shard.IsIsolated).ShouldBe([false, true, false, false]);
    }

    [Fact]
    public void A_worker_that_does_not_answer_is_shown_with_its_groups_and_the_reason()
    {
        var report = Report(Look((10, 1, 0), (11, 1, 0), (12, 1, 0)), new WorkerLook(Sizes: null, "connection refused"));
        report.Nodes[1].ShouldBe(new NodeLoad("db-worker-2", "us-east-1", 1, 0, null, null, null, null, "connection refused"));
        report.Shards[^1].Bytes.ShouldBeNull();
    }

    private static ShardReport Report(WorkerLook first, WorkerLook second) =>
        ShardReport.Of(EngineChoice.Citus, Workers, Groups, new Dictionary<long, int>(), Looks(first, second), Looks(first, second), seconds: 2);

    private static Dictionary<string, WorkerLook> Looks(WorkerLook first, WorkerLook second) => new() { [Workers[0].Name] = first, [Workers[1].Name] = second };

    private static WorkerLook Look(params (long Shard, long Bytes, long Inserted)[] shards) =>
        new([.. shards.Select(shard => new ShardSize(shard.Shard, IsIsolated: false, shard.Bytes, Orders: 0, shard.Inserted))], Problem: null);
}
