using DineHub.AppHost.Commands;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.Tests.Topology;

/// <summary>What an environment of Aspire changes of a topology: domain, regions, options of single machines.</summary>
public sealed class TopologySourceTests
{
    private static readonly TopologySource Reference = new(ReferenceTopology.File, []);

    [Fact]
    public void File_of_the_AppHost_is_that_of_its_project_where_it_runs_from_a_tree()
    {
        var file = TopologySource.FileOf(typeof(AppHost.Commands.CommonOptions).Assembly);
        Path.GetFileName(Path.GetDirectoryName(file)).ShouldBe("DineHub.AppHost");
        File.Exists(Path.Combine(Path.GetDirectoryName(file)!, "DineHub.AppHost.csproj")).ShouldBeTrue();
        TopologySource.FileOf(typeof(string).Assembly).ShouldBe(Path.Combine(AppContext.BaseDirectory, "dinehub.json"));
        TopologySource.FileOf(program: null).ShouldBe(Path.Combine(AppContext.BaseDirectory, "dinehub.json"));
    }

    [Fact]
    public void A_source_that_changes_nothing_gives_the_topology_of_the_file() =>
        TopologyReport.ToJson(Reference.Load()).ShouldBe(TopologyReport.ToJson(TopologyConfiguration.Load(ReferenceTopology.File, [])));

    [Fact]
    public void Of_a_region_that_is_kept_the_nodes_and_workers_stay_under_their_order()
    {
        var topology = (Reference with { Regions = ["eu-west-1"] }).Load();
        topology.Regions.ShouldHaveSingleItem().Name.ShouldBe("eu-west-1");
        topology.Nodes.ShouldAllBe(node => node.Region == "eu-west-1");
        topology.OfRole(Role.Worker).Select(worker => worker.Name).ShouldBe(["db-worker-1", "db-worker-2"]);
        topology.Regions[0].Cidr.ShouldBe("10.10.0.0/16");
    }

    [Fact]
    public void A_region_that_is_not_there_and_one_that_the_coordinator_needs_are_refused()
    {
        Should.Throw<TopologyException>(() => (Reference with { Regions = ["mars-1"] }).Load()).Message.ShouldContain("mars-1");
        Should.Throw<TopologyException>(() => (Reference with { Regions = ["us-east-1"] }).Load()).Message.ShouldContain("Database:Coordinator:Region");
    }

    [Fact]
    public void Further_options_of_nodes_come_before_those_of_the_file_and_stand_in_order()
    {
        var source = Reference with { Overrides = [KeyValuePair.Create<string, string?>("NodeOptions:monitoring:services.b", "1")] };
        var topology = source.Load().WithNodeOptions([new("monitoring", "services.b", 2L), new("monitoring", "services.a", true)]);
        topology.Machines.NodeOptions.ShouldBe([new("monitoring", "services.a", true), new("monitoring", "services.b", 2L)]);
    }

    [Theory]
    [InlineData("unknown", "services.a")]
    [InlineData("monitoring", "not an option")]
    public void Options_of_no_node_or_of_no_name_are_refused(string node, string option) =>
        Should.Throw<TopologyException>(() => Reference.Load().WithNodeOptions([new(node, option, null)])).Message.ShouldContain(node);
}
