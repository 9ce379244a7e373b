namespace DineHub.Tests.Failover;

/// <summary>The whole cluster's data is destroyed, and restored from backups to a point in time.</summary>
[Collection(FailoverCollection.Name)]
public sealed class RestoreTests(FailoverFixture fixture)
{
    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_cluster_whose_data_is_destroyed_comes_back_as_it_was_at_a_time_and_takes_orders_again()
    {
        var cluster = fixture.Cluster;
        await fixture.HealAsync();
        await using var before = new FaultLoad(fixture);
        await before.ReachAsync(10);
        await cluster.DatabaseVerbAsync("backup", CancellationToken.None, "--type", "Full");

        // A group that was promoted since its backup goes on archiving to the same place.
        await cluster.PromoteAsync("db-worker-1", CancellationToken.None);
        await before.ReachAsync(20);
        await before.StopAsync();
        var time = DateTimeOffset.UtcNow;
        await using var after = new FaultLoad(fixture);
        await after.ReachAsync(20);
        await after.StopAsync();
        await cluster.DatabaseVerbAsync("restore-point", CancellationToken.None, "end");

        await DestroyAsync();
        await cluster.RestoreAsync(time.ToString("O"), CancellationToken.None);

        await before.VerifyAsync();
        foreach (var (restaurant, keys) in after.Acknowledged)
        {
            (await fixture.KeysAsync(restaurant)).Intersect(keys).ShouldBeEmpty();
        }

        await fixture.HealAsync();
        await using (var again = new FaultLoad(fixture))
        {
            await again.ReachAsync(20);
            await again.StopAsync();
            await again.VerifyAsync();
        }

        // Too far back: the restore point of afterwards is still there to go to, on the timeline that was left.
        var log = await File.ReadAllTextAsync(Path.Combine(cluster.DataDirectory, "logs", "db-restore-point.log"));
        await cluster.DatabaseVerbAsync("backup", CancellationToken.None, "--type", "Full");
        await cluster.RestoreAsync(log.Split("restore point ")[1].Split('\n')[0].Trim(), CancellationToken.None);
        await before.VerifyAsync();
        await after.VerifyAsync();
        await fixture.HealAsync();
    }

    private async Task DestroyAsync()
    {
        await fixture.Cluster.KillAsync().OrFailAsync("every node is dead", Deadline.Long);
        foreach (var server in fixture.Cluster.Databases)
        {
            Directory.Delete(server.Home, recursive: true);
        }
    }
}
