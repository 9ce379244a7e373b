using DineHub.Database.Locality;

namespace DineHub.Tests.Database.Locality;

/// <summary>The choice of an id among candidates, whatever the hash makes of them.</summary>
public sealed class RestaurantIdTests
{
    private const int Candidates = 1000;

    private static readonly Worker[] Workers = [new("a", "eu", 0, 11), new("b", "us", 1, 12), new("c", "eu", 2, 13)];

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    [InlineData(64)]
    public void Restaurants_that_take_turns_are_on_every_worker_of_their_region(int shards)
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var workers = Enumerable.Range(0, 2).SelectMany(_ => Enumerable.Range(0, 3).Select(turn => Choose(random, shards, "eu", turn))).ToList();
            workers.Distinct().ShouldBe(["a", "c"], ignoreOrder: true);
            Choose(random, shards, "us", turn: 5).ShouldBe("b");
        }
    }

    [Fact]
    public void A_region_without_workers_takes_the_first_candidate() =>
        RestaurantIds.Choose(Workers, "ap", turn: 1, [Id(1), Id(2)], new Dictionary<Guid, Worker> { [Id(1)] = Workers[0], [Id(2)] = Workers[1] }).ShouldBe(Id(1));

    [Fact]
    public void A_worker_that_holds_none_of_the_candidates_leaves_them_to_the_others_of_its_region()
    {
        var located = new Dictionary<Guid, Worker> { [Id(1)] = Workers[1], [Id(2)] = Workers[0] };
        RestaurantIds.Choose(Workers, "eu", turn: 1, [Id(1), Id(2)], located).ShouldBe(Id(2));
        RestaurantIds.Choose(Workers, "eu", turn: null, [Id(1), Id(2)], located).ShouldBe(Id(2));
    }

    // Shards lie on the workers in turn, candidates in shards at random.
    private static string Choose(Random random, int shards, string region, int? turn)
    {
        var candidates = Enumerable.Range(0, Candidates).Select(_ => Random(random)).ToList();
        var located = candidates.ToDictionary(id => id, _ => Workers[random.Next(shards) % Workers.Length]);
        return located[RestaurantIds.Choose(Workers, region, turn, candidates, located)].Name;
    }

    private static Guid Random(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static Guid Id(int number) => new(number, 0, 0, new byte[8]);
}
