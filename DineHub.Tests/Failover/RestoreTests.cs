using System.Globalization;
using DineHub.Tests.Hosting;
using Npgsql;

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

        // The point is made while orders and two-phase commits of the directory flow.
        await using var directory = await DirectoryLoad.StartAsync(fixture);
        await using var after = new FaultLoad(fixture);
        await after.ReachAsync(20);
        await directory.ReachAsync(5);
        var known = after.Acknowledged.ToDictionary(pair => pair.Key, pair => pair.Value.ToList());
        var least = directory.Acknowledged;
        await cluster.DatabaseVerbAsync("restore-point", CancellationToken.None, "end");
        var most = directory.Sent;
        await using var late = new FaultLoad(fixture);
        await late.ReachAsync(10);
        await directory.ReachAsync(5);
        foreach (var load in new[] { after, late })
        {
            await load.StopAsync();
            await load.VerifyAsync();
        }

        await directory.StopAsync();

        await DestroyAsync();
        await cluster.RestoreAsync(time.ToString("O"), CancellationToken.None);

        await before.VerifyAsync();
        await ShouldHaveNoneOfAsync(after);
        await ShouldHaveNoneOfAsync(late);
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
        foreach (var (restaurant, keys) in known)
        {
            keys.Except(await fixture.KeysAsync(restaurant)).ShouldBeEmpty($"acknowledged orders of {restaurant} are lost");
        }

        await ShouldHaveNoneOfAsync(late);
        await fixture.HealAsync();
        await ShouldBeOneMomentAsync(least, most);
    }

    // The directory is at a number from between, the same on every node that has a copy, and no commit is half-way.
    private async Task ShouldBeOneMomentAsync(IReadOnlyDictionary<Guid, int> least, IReadOnlyDictionary<Guid, int> most)
    {
        var primaries = new List<ServerHandle>();
        foreach (var group in fixture.Options.Groups)
        {
            primaries.Add((await fixture.GroupAsync(group.Name)).Primary);
        }

        foreach (var primary in primaries)
        {
            await Eventually.TrueAsync(async () => (await ListAsync(primary, "SELECT gid FROM pg_prepared_xacts")).Count == 0, $"{primary.Name} has no prepared transaction", Deadline.Long);
        }

        foreach (var (restaurant, number) in least)
        {
            var restored = int.Parse((await ListAsync(primaries[0], $"SELECT description FROM restaurants WHERE id = '{restaurant}'")).ShouldHaveSingleItem(), CultureInfo.InvariantCulture);
            restored.ShouldBeInRange(number, most[restaurant]);
        }

        if (!TestEngine.IsCitus)
        {
            return;
        }

        var tables = await ListAsync(primaries[0], "SELECT logicalrelid::text FROM pg_dist_partition WHERE partmethod = 'n' AND repmodel = 't' ORDER BY 1");
        tables.ShouldContain("restaurants");
        foreach (var table in tables)
        {
            var content = $"SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} AS t";
            var expected = (await ListAsync(primaries[0], content))[0];
            foreach (var primary in primaries.Skip(1))
            {
                (await ListAsync(primary, content))[0].ShouldBe(expected, $"{table} on {primary.Name}");
            }
        }
    }

    private async Task ShouldHaveNoneOfAsync(FaultLoad load)
    {
        foreach (var (restaurant, keys) in load.Acknowledged)
        {
            (await fixture.KeysAsync(restaurant)).Intersect(keys).ShouldBeEmpty();
        }
    }

    private static async Task<List<string>> ListAsync(ServerHandle server, string sql)
    {
        await using var dataSource = NpgsqlDataSource.Create(server.AdminConnectionString("dinehub") + ";Pooling=false");
        await using var command = dataSource.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
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
