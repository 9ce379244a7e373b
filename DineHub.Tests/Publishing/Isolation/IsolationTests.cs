using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.Topology;
using DineHub.Topology.Access;
using Xunit.Abstractions;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>The generated packet filters and the generated policy of the mesh, with real packets: what may reach what does, and nothing else.</summary>
public sealed class IsolationTests(ITestOutputHelper output)
{
    [IsolationFact]
    public Task Packets_take_the_paths_of_the_table_and_no_others() => OnlyTheTablesPathsAreOpenAsync(Topologies.Reference);

    [IsolationFact]
    public Task Also_where_machines_vote_packets_take_the_paths_of_the_table_and_no_others() => OnlyTheTablesPathsAreOpenAsync(Topologies.Voting);

    [IsolationFact]
    public async Task Without_its_firewall_a_machine_is_open_to_all_but_the_mesh()
    {
        var topology = Topologies.Reference;
        await using var network = await IsolatedNetwork.StartAsync(topology, One(topology, Role.Ingress, Role.Backend));
        (await OpenAgainstTheTableAsync(network, topology)).ShouldBeEmpty();

        var backend = network.Hosts.Single(host => host.Role == Role.Backend);
        await backend.RemoveFirewallAsync();
        (await OpenAgainstTheTableAsync(network, topology)).ShouldBe(
            network.Paths.Where(path => path.To == backend && (path.Way != Way.Mesh || path.From.Mesh is null)), ignoreOrder: true);
    }

    [IsolationFact]
    public async Task A_rule_too_many_in_the_policy_opens_a_path_that_the_table_has_not()
    {
        var topology = Topologies.Reference;
        var policy = JsonNode.Parse(HeadscalePolicy.Write(topology).Content, null, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip })!;
        policy["acls"]!.AsArray().Add(JsonNode.Parse("""{ "action": "accept", "src": ["tag:ingress"], "proto": "tcp", "dst": ["tag:coordinator:5432"] }"""));
        await using var network = await IsolatedNetwork.StartAsync(topology, One(topology, Role.Ingress, Role.Backend, Role.Coordinator), policy.ToJsonString());

        var ingress = network.Hosts.Single(host => host.Role == Role.Ingress);
        var coordinator = network.Hosts.Single(host => host.Role == Role.Coordinator);
        (await OpenAgainstTheTableAsync(network, topology)).ShouldBe([new NetworkPath(ingress, coordinator, Way.Mesh, Ports.Postgres, Transport.Tcp)]);
    }

    [IsolationFact]
    public async Task Where_the_policy_allows_everything_the_firewall_opens_only_what_the_table_permits_to_somebody()
    {
        var topology = Topologies.Reference;
        await using var network = await IsolatedNetwork.StartAsync(topology, One(topology, Role.Ingress, Role.Backend, Role.Worker), "{ }");

        (await OpenAgainstTheTableAsync(network, topology)).ShouldBe(
            network.Paths.Where(path => !IsOfTheTable(topology, path) && path.Way == Way.Mesh && path.From.Mesh is not null
                && (path.To.Role is null || AccessPolicy.RulesOf(topology).Any(rule => rule.To == path.To.Party && rule.Port == path.Port && rule.Transport == path.Transport))),
            ignoreOrder: true);
    }

    [IsolationFact]
    public async Task A_machine_passes_nothing_on_until_its_firewall_is_gone()
    {
        var topology = Topologies.Reference;
        await using var network = await IsolatedNetwork.StartAsync(topology, One(topology, Role.Ingress));
        var (stranger, someone, ingress) = (network.Host("stranger"), network.Host("operator"), network.Hosts.Single(host => host.Role == Role.Ingress));
        await ingress.Inside.InsideAsync(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");

            // The stranger would else be told of the straight way.
            File.WriteAllText("/proc/sys/net/ipv4/conf/all/send_redirects", "0");
            File.WriteAllText($"/proc/sys/net/ipv4/conf/{IsolatedNetwork.UnderlayInterface}/send_redirects", "0");
            return true;
        });
        await stranger.Inside.RunAsync("ip", ["route", "add", $"{someone.Underlay}/32", "via", $"{ingress.Underlay}"]);

        var through = new NetworkPath(stranger, someone, Way.Underlay, Ports.Ssh, Transport.Tcp);
        var working = new NetworkPath(stranger, ingress, Way.Underlay, Ports.Https, Transport.Tcp);
        await network.Probe.WorkAsync([working]);
        (await network.Probe.OpenAsync([through], [working])).ShouldBeEmpty();

        await ingress.RemoveFirewallAsync();
        await network.Probe.WorkAsync([through]);
    }

    // Two of each role where there are two: they are as strange to each other as any.
    private async Task OnlyTheTablesPathsAreOpenAsync(ClusterTopology topology)
    {
        var clock = Stopwatch.StartNew();
        await using var network = await IsolatedNetwork.StartAsync(topology, topology.Nodes.GroupBy(node => node.Role).SelectMany(role => role.Take(2)));
        output.WriteLine($"{network.Hosts.Count} machines are there after {clock.Elapsed.TotalSeconds:0.0} s: {string.Join(", ", network.Hosts)}");

        (await OpenAgainstTheTableAsync(network, topology)).ShouldBeEmpty();
    }

    private async Task<IReadOnlyList<NetworkPath>> OpenAgainstTheTableAsync(IsolatedNetwork network, ClusterTopology topology)
    {
        var paths = network.Paths;
        var allowed = paths.Where(path => IsOfTheTable(topology, path)).ToList();
        var denied = paths.Except(allowed).ToList();
        foreach (var way in Enum.GetValues<Way>())
        {
            output.WriteLine($"{way}: {allowed.Count(path => path.Way == way)} paths allowed, {denied.Count(path => path.Way == way)} denied");
        }

        var clock = Stopwatch.StartNew();
        await network.Probe.WorkAsync(allowed);
        output.WriteLine($"all that are allowed work after {clock.Elapsed.TotalSeconds:0.0} s");
        var open = await network.Probe.OpenAsync(denied, allowed);
        output.WriteLine($"all are tried after {clock.Elapsed.TotalSeconds:0.0} s");
        return open;
    }

    // What is for anybody is so by any way but the mesh, which admits those only that its policy names.
    private static bool IsOfTheTable(ClusterTopology topology, NetworkPath path)
    {
        var isOverMesh = path.Way == Way.Mesh && path.From.Mesh is not null;
        var isOverLink = path.Way == Way.Control && path.From.Control is not null && (path.From.Role == Role.Headscale || path.To.Role == Role.Headscale);
        return ((isOverMesh || isOverLink) && AccessPolicy.Allows(topology, path.From.Party, path.To.Party, path.Port, path.Transport))
            || (!isOverMesh && AccessPolicy.Allows(topology, Party.Internet, path.To.Party, path.Port, path.Transport));
    }

    private static IEnumerable<Node> One(ClusterTopology topology, params Role[] roles) => roles.Select(role => topology.OfRole(role).First());
}
