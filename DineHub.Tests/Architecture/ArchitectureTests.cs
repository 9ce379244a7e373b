using System.Reflection;

namespace DineHub.Tests.Architecture;

/// <summary>The arrows between projects, and between the rooms of a project (docs/architecture.md).</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly Api = typeof(DineHub.Api.Orders.Order).Assembly;
    private static readonly Assembly Topology = typeof(DineHub.Topology.ClusterTopology).Assembly;

    private static readonly Assembly[] Projects =
    [
        Api,
        Topology,
        typeof(DineHub.AppHost.Publishing.Publisher).Assembly,
        typeof(DineHub.Database.Cluster.DatabaseOptions).Assembly,
        typeof(DineHub.Gateway.GatewayApplication).Assembly,
        typeof(DineHub.ServiceDefaults.ServiceIdentity).Assembly,
    ];

    [Theory]
    [InlineData("DineHub.Topology")]
    [InlineData("DineHub.Database")]
    [InlineData("DineHub.ServiceDefaults")]
    [InlineData("DineHub.AppHost", "DineHub.Topology")]
    [InlineData("DineHub.Gateway", "DineHub.ServiceDefaults", "DineHub.Topology")]
    [InlineData("DineHub.Api", "DineHub.Database", "DineHub.ServiceDefaults")]
    public void Project_uses_these_projects(string project, params string[] used) =>
        References(project).Where(name => name.StartsWith("DineHub.", StringComparison.Ordinal)).ShouldBe(used, ignoreOrder: true);

    [Fact]
    public void Topology_uses_nothing_but_the_framework() =>
        References("DineHub.Topology").ShouldAllBe(name => name.StartsWith("System.", StringComparison.Ordinal) || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal));

    [Theory]
    [InlineData("", "Ingress")]
    [InlineData("Ingress")]
    [InlineData("Access", "")]
    [InlineData("Addressing", "")]
    [InlineData("Configuration", "", "Addressing", "Ingress")]
    public void Room_of_the_topology_uses_these_rooms(string room, params string[] used) =>
        ShouldUse(used, new Room(Topology, room), ["", "Ingress", "Access", "Addressing", "Configuration"]);

    [Theory]
    [InlineData("Restaurants")]
    [InlineData("Menus", "Restaurants")]
    [InlineData("Orders", "Restaurants", "Menus")]
    [InlineData("Kitchens", "Restaurants", "Menus", "Orders")]
    [InlineData("Reports", "Restaurants", "Orders")]
    public void Feature_of_the_Api_uses_these_features(string feature, params string[] used) =>
        ShouldUse(used, new Room(Api, feature), ["Restaurants", "Menus", "Orders", "Kitchens", "Reports"]);

    [Theory]
    [InlineData("Http")]
    [InlineData("Data")]
    public void Room_below_the_features_of_the_Api_uses_none_of_them(string room) =>
        ShouldUse([], new Room(Api, room), ["Restaurants", "Menus", "Images", "Orders", "Kitchens", "Reports", "Accounts", "Operations", "Contract"]);

    /// <summary>The topology's Durability becomes the database's as text: the projects share no type.</summary>
    [Fact]
    public void Durability_has_the_same_names_in_the_topology_and_in_the_database() =>
        Enum.GetNames<DineHub.Topology.CommitDurability>().ShouldBe(Enum.GetNames<DineHub.Database.Cluster.Durability>());

    private static IEnumerable<string> References(string project) =>
        Projects.Single(assembly => assembly.GetName().Name == project).GetReferencedAssemblies().Select(reference => reference.Name!);

    private static void ShouldUse(string[] expected, Room room, string[] others)
    {
        // An arrow that is only a constant is not seen: the compiler writes its value.
        room.ShouldHaveTypes();
        others.Where(other => other != room.Name).ToList().ForEach(other => (room with { Name = other }).ShouldHaveTypes());
        var used = others.Where(other => other != room.Name)
            .Select(other => (Room: other, Types: room.TypesThatUse(room with { Name = other })))
            .Where(use => use.Types.Count > 0)
            .ToList();
        used.Select(use => use.Room).ShouldBe(expected, ignoreOrder: true, string.Join('\n', used.Select(use => $"{use.Room}: {string.Join(", ", use.Types)}")));
    }
}
