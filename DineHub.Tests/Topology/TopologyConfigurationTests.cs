using System.Text.Json;
using DineHub.Tests.Publishing;
using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Configuration;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Topology;

public sealed class TopologyConfigurationTests
{
    private static readonly ClusterTopology Reference = ReferenceTopology.Load();

    [Fact]
    public void The_reference_deployment_expands_to_these_nodes()
    {
        ReferenceTopology.Load().Nodes.Select(node => $"{node.Name} {node.Role} {node.Region} {node.InstanceType} {node.Follows}".TrimEnd()).ShouldBe(
        [
            "ingress-eu-1 Ingress eu-west-1 t3.small",
            "ingress-us-1 Ingress us-east-1 t3.small",
            "backend-eu-1 Backend eu-west-1 t3.medium",
            "backend-eu-2 Backend eu-west-1 t3.medium",
            "backend-us-1 Backend us-east-1 t3.medium",
            "backend-us-2 Backend us-east-1 t3.medium",
            "db-coordinator Coordinator eu-west-1 t3.medium",
            "db-worker-1 Worker eu-west-1 t3.medium",
            "db-worker-2 Worker us-east-1 t3.medium",
            "db-worker-3 Worker eu-west-1 t3.medium",
            "db-coordinator-standby Standby us-east-1 t3.medium db-coordinator",
            "db-worker-1-standby Standby us-east-1 t3.medium db-worker-1",
            "db-worker-2-standby Standby eu-west-1 t3.medium db-worker-2",
            "db-worker-3-standby Standby us-east-1 t3.medium db-worker-3",
            "headscale Headscale eu-west-1 t3.micro",
            "monitoring Monitoring eu-west-1 t3.small",
        ]);
        ReferenceTopology.Load().Nodes[0].Fqdn.ShouldBe("ingress-eu-1.mesh.dinehub.example");
    }

    [Fact]
    public void Every_mistake_is_reported_at_once_with_its_path()
    {
        var errors = Errors(
            ("Name", "Dine Hub"),
            ("Domain", "x"),
            ("Mesh:Domain", "control.x"),
            ("Regions:0:Backends", "0"),
            ("Regions:1:Backend", "3"),
            ("Regions:1:Ingresses", "three"),
            ("Database:Workers:0:Region", "mars"),
            ("Database:Standbys", "perhaps"),
            ("InstanceTypes:Worker", "huge"));
        errors.Select(error => error.Path).ShouldBe(
            [
                "Name",
                "Domain",
                "Mesh:Domain",
                "InstanceTypes:Worker",
                "Regions:0:Backends",
                "Regions:1:Ingresses",
                "Regions:1:Backend",
                "Database:Workers:0:Region",
                "Database:Standbys",
            ],
            ignoreOrder: true);
    }

    [Theory]
    [InlineData("Regions:0:Backends", "0", "Regions:0:Backends", "between 1 and 99")]
    [InlineData("Regions:0:Backends", "100", "Regions:0:Backends", "between 1 and 99")]
    [InlineData("Regions:0:Ingresses", "-1", "Regions:0:Ingresses", "between 1 and 99")]
    [InlineData("Regions:1:Name", "eu-west-1", "Regions:1:Name", "is a duplicate")]
    [InlineData("Regions:1:Alias", "eu", "Regions:1:Alias", "another region's")]
    [InlineData("Regions:1:Alias", "U S", "Regions:1:Alias", "DNS label")]
    [InlineData("Regions:1:Alias", "a23456789-123456789-123456789-123456789-123456789-123", "Regions:1:Alias", "at most 52")]
    [InlineData("Regions:1:Name", "Virginia", "Regions:1:Name", "such as eu-west-1")]
    [InlineData("Regions:1:Cidr", "10.10.128.0/17", "Regions:1:Cidr", "overlaps")]
    [InlineData("Regions:1:Cidr", "8.8.0.0/16", "Regions:1:Cidr", "RFC 1918")]
    [InlineData("Regions:1:Cidr", "10.20.0.1/16", "Regions:1:Cidr", "no address bits")]
    [InlineData("Regions:1:Cidr", "fd00::/8", "Regions:1:Cidr", "IPv4")]
    [InlineData("Mesh:AddressRange", "10.10.0.0/16", "Mesh:AddressRange", "RFC 6598")]
    [InlineData("Mesh:Domain", "control.dinehub.example", "Mesh:Domain", "Headscale")]
    [InlineData("Mesh:Domain", "dinehub.example", "Mesh:Domain", "Headscale")]
    [InlineData("Domain", "-dine.example", "Domain", "DNS name")]
    [InlineData("Database:Coordinator:Region", "mars", "Database:Coordinator:Region", "not one of the regions")]
    [InlineData("Database:Workers:1:Region", "mars", "Database:Workers:1:Region", "not one of the regions")]
    [InlineData("Database:Workers:9:Regoin", "eu-west-1", "Database:Workers:9:Regoin", "not a setting")]
    [InlineData("Database:Shards", "2", "Database:Shards", "at least the number of workers")]
    [InlineData("Database:Durability", "Maybe", "Database:Durability", "Local or Standby")]
    [InlineData("Database:Durability", "1", "Database:Durability", "Local or Standby")]
    [InlineData("Headscale:Region", "mars", "Headscale:Region", "not one of the regions")]
    [InlineData("InstanceTypes:Router", "t3.micro", "InstanceTypes:Router", "not a setting")]
    [InlineData("Database:Workers:0:StandbyRegion", "eu-west-1", "Database:Workers:0:StandbyRegion", "primary's own region")]
    [InlineData("Database:Coordinator:StandbyRegion", "mars", "Database:Coordinator:StandbyRegion", "not one of the regions")]
    [InlineData("Database:Failover", "Vote", "Database:Failover", "three sites")]
    [InlineData("Headscale:LinkRange", "10.10.0.0/22", "Regions:0:Cidr", "overlaps")]
    [InlineData("Headscale:LinkRange", "100.64.0.0/22", "Headscale:LinkRange", "overlaps '100.64.0.0/10' of Mesh:AddressRange")]
    [InlineData("Headscale:LinkRange", "8.8.0.0/22", "Headscale:LinkRange", "RFC 1918")]
    [InlineData("Headscale:LinkRange", "10.254.0.0/26", "Headscale:LinkRange", "a hundred for the ingresses of each region")]
    [InlineData("Operators:0:Name", "root", "Operators:0:Name", "not root")]
    [InlineData("Operators:0:SshKey", "AAAA", "Operators:0:SshKey", "authorized_keys")]
    [InlineData("Operators:0:AgeRecipient", "AGE-SECRET-KEY-1", "Operators:0:AgeRecipient", "public age key")]
    [InlineData("Acme:Email", "operators", "Acme:Email", "must be an address")]
    [InlineData("Dns:Zone", "other.example", "Dns:Zone", "above it")]
    [InlineData("Dns:TtlSeconds", "5", "Dns:TtlSeconds", "between 10 and 60")]
    [InlineData("Dns:TtlSeconds", "61", "Dns:TtlSeconds", "between 10 and 60")]
    [InlineData("Disks:DataGiB", "1", "Disks:DataGiB", "between 10 and")]
    [InlineData("NodeOptions:unknown:a.b", "1", "NodeOptions:unknown", "is not a node")]
    [InlineData("NodeOptions:backend-eu-1:a b", "1", "NodeOptions:backend-eu-1:a b", "dotted name")]
    [InlineData("Local:GatewayPort", "70000", "Local:GatewayPort", "between 0 and")]
    public void A_mistake_is_refused_with_its_path(string key, string value, string path, string rule) =>
        Errors((key, value)).ShouldContain(error => error.Path == path && error.Message.Contains(rule));

    [Fact]
    public void Mistakes_that_only_the_nodes_tell_come_with_the_others_where_the_nodes_are_known()
    {
        (string, string?)[] mistakes = [("NodeOptions:unknown:a.b", "1"), ("Acme:Email", "operators"), ("Headscale:LinkRange", "10.254.0.0/26")];
        string[] paths = ["NodeOptions:unknown", "Acme:Email", "Headscale:LinkRange"];
        Errors(mistakes).Select(error => error.Path).ShouldBe(paths, ignoreOrder: true);
        Errors([.. mistakes, ("Regions:0:Backends", "0")]).Select(error => error.Path).ShouldBe(["Acme:Email", "Regions:0:Backends"], ignoreOrder: true);
    }

    [Fact]
    public void A_domain_that_leaves_no_room_for_the_names_of_nodes_is_refused()
    {
        var longest = string.Concat(Enumerable.Repeat("abcdefghi.", 19)).TrimEnd('.');
        Should.NotThrow(() => Topologies.Read(("Domain", "dinehub.example"), ("Mesh:Domain", longest), ("Regions:0:Name", "eu-west-1"), ("Database:Workers:0:Region", "eu-west-1")));
        Errors(("Domain", longest + "j")).ShouldContain(error => error.Path == "Domain" && error.Message.Contains("189 characters"));
        Errors(("Mesh:Domain", longest + "j")).ShouldContain(error => error.Path == "Mesh:Domain" && error.Message.Contains("189 characters"));
    }

    [Fact]
    public void A_topology_without_regions_or_workers_is_refused()
    {
        var errors = Should.Throw<TopologyException>(() => TopologyConfiguration.Read(new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create<string, string?>("Domain", "dinehub.example")]).Build())).Errors;
        errors.Select(error => error.Path).ShouldBe(["Regions", "Database:Workers"], ignoreOrder: true);
    }

    [Fact]
    public void Synchronous_durability_without_standbys_is_refused() =>
        Errors(("Database:Standbys", "false")).ShouldHaveSingleItem().Path.ShouldBe("Database:Durability");

    [Fact]
    public async Task An_environment_variable_overrides_the_file_and_set_overrides_both()
    {
        // In a process of its own: the environment of this one is everybody's.
        (await BackendsOfAsync("topology", "--json")).ShouldBe(4);
        (await BackendsOfAsync("topology", "--json", "--set", "Regions:1:Backends=3")).ShouldBe(3);

        static async Task<int> BackendsOfAsync(params string[] arguments)
        {
            var (exitCode, output) = await AppHostProcess.RunAsync(arguments, (TopologyConfiguration.EnvironmentPrefix + "Regions__1__Backends", "4"));
            exitCode.ShouldBe(0, output);
            return JsonDocument.Parse(output).RootElement.GetProperty("topology").GetProperty("nodes").EnumerateArray()
                .Count(node => node.GetProperty("name").GetString()!.StartsWith("backend-us-", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_region_that_is_appended_moves_no_standby_that_was_told_where_it_stands()
    {
        static string RegionOf(string node, params (string, string?)[] overrides) => ReferenceTopology.Load(overrides).Nodes.Single(one => one.Name == node).Region;
        RegionOf("db-worker-2-standby").ShouldBe("eu-west-1");
        RegionOf("db-worker-2-standby", ("Regions:2:Name", "ap-south-1")).ShouldBe("ap-south-1");
        RegionOf("db-worker-2-standby", ("Regions:2:Name", "ap-south-1"), ("Database:Workers:1:StandbyRegion", "eu-west-1")).ShouldBe("eu-west-1");
    }

    [Fact]
    public void A_worker_that_is_appended_renames_no_other()
    {
        var before = ReferenceTopology.Load().Nodes;
        var after = ReferenceTopology.Load(("Database:Workers:3:Region", "us-east-1")).Nodes;
        after.Except(before).Select(node => node.Name).ShouldBe(["db-worker-4", "db-worker-4-standby"]);
        before.Except(after).ShouldBeEmpty();
    }

    [Fact]
    public void Names_are_unique_labels_and_no_standby_shares_its_primarys_region_where_there_is_another() =>
        Prop.ForAll(ValidTopologies(), topology =>
        {
            topology.Nodes.Select(node => node.Name).ShouldBeUnique();
            topology.Nodes.ShouldAllBe(node => Uri.CheckHostName(node.Fqdn) == UriHostNameType.Dns && node.Name.Length <= 63);
            foreach (var standby in topology.OfRole(Role.Standby))
            {
                var primary = topology.Nodes.Single(node => node.Name == standby.Follows);
                (standby.Region == primary.Region).ShouldBe(topology.Regions.Count == 1);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Access_is_denied_unless_the_table_allows_it()
    {
        AccessPolicy.RulesOf(Reference).ShouldBeUnique();
        AccessPolicy.RulesOf(Reference).Where(rule => rule.From == Party.Internet && rule.Transport == Transport.Tcp)
            .Select(rule => (rule.To, rule.Port)).ShouldBe([(Party.Ingress, 80), (Party.Ingress, 443)]);
        foreach (var data in new[] { Party.Coordinator, Party.Worker, Party.Standby })
        {
            AccessPolicy.RulesOf(Reference).ShouldNotContain(rule => rule.From == data && rule.To == Party.Backend);
            AccessPolicy.Allows(Reference, Party.Backend, data, Ports.Postgres, Transport.Tcp).ShouldBeTrue();
            AccessPolicy.Allows(Reference, Party.Ingress, data, Ports.Postgres, Transport.Tcp).ShouldBeFalse();
        }

        AccessPolicy.Allows(Reference, Party.Ingress, Party.Backend, Ports.Backend, Transport.Tcp).ShouldBeTrue();
        AccessPolicy.Allows(Reference, Party.Ingress, Party.Backend, Ports.Backend, Transport.Udp).ShouldBeFalse();
        AccessPolicy.Allows(Reference, Party.Ingress, Party.Backend, Ports.Ssh, Transport.Tcp).ShouldBeFalse();
        Enum.GetValues<Role>().ShouldAllBe(role => AccessPolicy.PartyOf(role).ToString() == role.ToString());
    }

    private static IReadOnlyList<ConfigurationError> Errors(params (string Key, string? Value)[] overrides) =>
        Should.Throw<TopologyException>(() => ReferenceTopology.Load(overrides)).Errors;

    private static Arbitrary<ClusterTopology> ValidTopologies() =>
        (from regions in Gen.Choose(1, 5)
         from backends in Gen.Choose(1, 12)
         from ingresses in Gen.Choose(1, 3)
         from workers in Gen.Choose(1, 9)
         from shift in Gen.Choose(0, 4)
         select Build(regions, backends, ingresses, workers, shift)).ToArbitrary();

    private static ClusterTopology Build(int regions, int backends, int ingresses, int workers, int shift)
    {
        string[] names = ["eu-west-1", "us-east-1", "ap-south-1", "sa-east-1", "af-south-1"];
        var settings = new Dictionary<string, string?> { ["Domain"] = "dinehub.example" };
        for (var i = 0; i < regions; i++)
        {
            settings[$"Regions:{i}:Name"] = names[i];
            settings[$"Regions:{i}:Backends"] = $"{backends}";
            settings[$"Regions:{i}:Ingresses"] = $"{ingresses}";
        }

        for (var i = 0; i < workers; i++)
        {
            settings[$"Database:Workers:{i}:Region"] = names[(i + shift) % regions];
        }

        return TopologyConfiguration.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }
}
