namespace DineHub.Tests.Failover;

/// <summary>Database servers that die at random, where commits wait for the standby.</summary>
[Collection(FaultCollection.Name)]
public sealed class RandomKillTests(FaultFixture fixture)
{
    private const string Worker = "db-worker-1";

    [Fact]
    public async Task Servers_that_are_killed_at_random_lose_no_acknowledged_order_nor_does_a_disk_that_is_lost_afterwards()
    {
        await fixture.HealAsync();
        await RandomKills.RunAsync(fixture, async () =>
        {
            var (old, next) = await fixture.GroupAsync(Worker);
            await old.KillAsync();
            Directory.Delete(old.DataDirectory, recursive: true);
            await fixture.Cluster.PromoteAsync(Worker, CancellationToken.None);
            (await fixture.GroupAsync(Worker)).Primary.ShouldBe(next);
        });
        await fixture.HealAsync();
    }
}
