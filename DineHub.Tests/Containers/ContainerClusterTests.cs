using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Database.Nodes;
using DineHub.Tests.Cluster;
using DineHub.Tests.Hosting;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Containers;

/// <summary>The whole cluster with its databases in containers.</summary>
public sealed class ContainerClusterTests
{
    private const string Group = "db-worker-2";

    [ContainerFact]
    public async Task Orders_are_placed_before_and_after_promotions()
    {
        using var directory = new TemporaryDirectory();
        try
        {
            await using var cluster = await TestCluster.CreateAsync(directory.Path, "citus", ReferenceTopology.Differences);
            await cluster.StartAsync();
            using var client = cluster.CreateClient(cluster.Gateway("us-east-1").Url);
            await SampleOrder.PlaceAsync(client, CancellationToken.None);

            // Both servers run: the primary is fenced, and comes back as the standby.
            await ExecuteAsync(cluster, Group, "promote-standby");
            await SampleOrder.PlaceAsync(client, CancellationToken.None);
            await Eventually.TrueAsync(() => InSyncAsync(cluster), "the old primary follows the new one");

            // The primary is lost.
            await ExecuteAsync(cluster, $"{Group}-standby", "suspend");
            await ExecuteAsync(cluster, $"{Group}-standby", "kill");
            cluster.Node($"{Group}-standby").State.ShouldBe(NodeState.Stopped);
            await ExecuteAsync(cluster, Group, "promote-standby");
            await SampleOrder.PlaceAsync(client, CancellationToken.None);

            var arguments = new InteractionInputCollection([new InteractionInput { Name = "sql", InputType = InputType.Text, Value = "SELECT count(*) FROM orders" }]);
            (await ExecuteAsync(cluster, "db-coordinator", "psql", arguments)).ShouldContain("3");
        }
        finally
        {
            await RemoveDataAsync(directory.Path);
        }
    }

    private static async Task<string> ExecuteAsync(TestCluster cluster, string resource, string command, InteractionInputCollection? arguments = null)
    {
        var result = await cluster.Application.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(resource, command, arguments ?? new([]), CancellationToken.None);
        result.Success.ShouldBeTrue($"{command} of {resource}: {result.Message}");
        return result.Data?.Value ?? "";
    }

    private static async Task<bool> InSyncAsync(TestCluster cluster)
    {
        var options = ClusterFixture.OptionsOf(cluster);
        var view = await ClusterView.ReadAsync(options, NodeConnections.AsAdministrator(options), CancellationToken.None);
        return view.Groups.First(group => group.Group.Name == Group) is { Primary.State: ServerState.Primary, Standby.State: ServerState.Standby, Record.InSync: true };
    }

    private static async Task RemoveDataAsync(string folder)
    {
        var search = await ContainerRuntime.FindAsync(new ConfigurationBuilder().AddEnvironmentVariables().Build(), LocalMachine.Current, CancellationToken.None);
        using var opened = ClusterDirectory.Open(folder, fresh: false);
        await new ContainerServers(search.Runtime!).RemoveDataAsync(opened, CancellationToken.None);
    }
}
