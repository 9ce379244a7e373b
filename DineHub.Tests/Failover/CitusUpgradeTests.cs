using DineHub.Database.Nodes;
using DineHub.Tests.Hosting;

namespace DineHub.Tests.Failover;

/// <summary>The minor version of Citus changes under a cluster that takes orders, one server at a time, as the runbook has it.</summary>
public sealed class CitusUpgradeTests(CitusUpgradeFixture fixture) : IClassFixture<CitusUpgradeFixture>
{
    [FormerCitusFact]
    public async Task Servers_get_a_new_Citus_one_at_a_time_while_no_order_fails()
    {
        await fixture.HealAsync();
        var former = await VersionsAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        fixture.Install();
        foreach (var group in LastTheCoordinator())
        {
            var (primary, standby) = await fixture.GroupAsync(group.Name);
            await standby.StopAsync();
            await standby.StartAsync(CancellationToken.None).OrFailAsync($"{standby.Name} has started", Deadline.Cluster);
            await Eventually.TrueAsync(() => fixture.InSyncAsync(group.Name), $"{standby.Name} is in sync");

            await fixture.Cluster.PromoteAsync(group.Name, CancellationToken.None);
            await load.ReachAsync(10);
            await fixture.TakeOrdersAsync();
            (await VersionsAsync()).Select(version => version.Extension).ShouldBe(former.Select(version => version.Extension), "an old library would refuse a newer extension");

            // The old primary has come back as a standby, with the new version.
            await Eventually.TrueAsync(() => fixture.InSyncAsync(group.Name), $"{primary.Name} is in sync");
            if (group.Name != fixture.Options.Coordinator.Name)
            {
                (await MigrateAsync()).ShouldContain($"{fixture.Options.Coordinator.Name}: Citus is {former[0].Library} (package ");
            }
        }

        (await MigrateAsync()).ShouldContain("updated the extension citus to ");
        await fixture.TakeOrdersAsync();
        await Eventually.TrueAsync(async () => (await NodeTablesAsync()).Distinct().Count() == 1, "all nodes know the same nodes");
        await load.ReachAsync(20);
        await load.StopAsync();
        await load.VerifyAsync();
        var versions = await VersionsAsync();
        versions.Distinct().ShouldHaveSingleItem();
        versions[0].Library.ShouldNotBe(former[0].Library);
        versions[0].Extension.ShouldNotBe(former[0].Extension);
        (await MigrateAsync()).ShouldNotContain("extension");
    }

    private IEnumerable<DatabaseGroup> LastTheCoordinator() => fixture.Options.Groups.Skip(1).Append(fixture.Options.Groups[0]);

    private async Task<List<string>> NodeTablesAsync()
    {
        var tables = new List<string>();
        foreach (var group in fixture.Options.Groups)
        {
            var (primary, _) = await fixture.GroupAsync(group.Name);
            await using var dataSource = fixture.Connect(primary.Name);
            await using var command = dataSource.CreateCommand("SELECT string_agg(concat_ws(' ', nodeid, groupid, nodename, nodeport, isactive, shouldhaveshards), ', ' ORDER BY nodeid) FROM pg_dist_node");
            tables.Add((string)(await command.ExecuteScalarAsync())!);
        }

        return tables;
    }

    private async Task<string> MigrateAsync()
    {
        await fixture.Cluster.DatabaseVerbAsync("migrate", CancellationToken.None).OrFailAsync("the migration has ended", Deadline.Long);
        return await File.ReadAllTextAsync(Path.Combine(fixture.Cluster.DataDirectory, "logs", "db-migrate.log"));
    }

    private async Task<List<(string? Library, string? Extension)>> VersionsAsync()
    {
        var versions = new List<(string? Library, string? Extension)>();
        foreach (var group in fixture.Options.Groups)
        {
            var (primary, _) = await fixture.GroupAsync(group.Name);
            await using var dataSource = fixture.Connect(primary.Name);
            await using var connection = await dataSource.OpenConnectionAsync();
            var facts = await NodeFacts.AskAsync(connection, group.Name, CancellationToken.None);
            versions.Add((facts.CitusLibrary, facts.CitusExtension));
        }

        return versions;
    }
}
