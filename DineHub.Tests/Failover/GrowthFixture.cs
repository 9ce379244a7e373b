namespace DineHub.Tests.Failover;

/// <summary>One cluster for the tests that move restaurants from worker to worker: others rely on where theirs are.</summary>
[CollectionDefinition(Name)]
public sealed class GrowthCollection : ICollectionFixture<GrowthFixture>
{
    public const string Name = "Growth";
}

/// <summary>A cluster of fewer shards, so that moving all of a worker's takes seconds.</summary>
public sealed class GrowthFixture : FailoverFixture
{
    public const int Shards = 16;

    protected override IEnumerable<(string Key, string Value)> Settings => [("Database:Shards", $"{Shards}")];
}
