using DineHub.Database.Cluster;

namespace DineHub.Tests.Failover;

/// <summary>A cluster whose commits do not wait for the standbys.</summary>
public sealed class LocalDurabilityFixture() : FailoverFixture(Durability.Local);

/// <summary>Database servers that die at random, where an order is acknowledged when it is on one disk: a restart from that disk loses nothing.</summary>
public sealed class LocalDurabilityTests(LocalDurabilityFixture fixture) : IClassFixture<LocalDurabilityFixture>
{
    [Fact]
    public Task Servers_that_are_killed_at_random_and_start_again_from_their_disks_lose_no_acknowledged_order() => RandomKills.RunAsync(fixture);
}
