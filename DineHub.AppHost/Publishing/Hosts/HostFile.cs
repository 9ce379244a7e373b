using DineHub.AppHost.Publishing.Firewall;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.AppHost.Publishing.Nix;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.AppHost.Publishing.Hosts;

/// <summary>One host's file: it sets options of the modules in <c>nix/modules</c>, and only those in which hosts differ.</summary>
internal static class HostFile
{
    public static PublishedFile Write(ClusterTopology topology, Node node) => new(
        PathOf(node),
        NixDocument.Write([Header.OfHost(node.Name)], new NixSet([.. SettingsOf(topology, node).Bindings, .. OptionsOf(topology, node).SelectMany(option => option.Set.Bindings)])));

    /// <summary>Makes sure that no option of the topology is one that is set already: Nix takes each once, and would not even read the file.</summary>
    /// <exception cref="TopologyException">Some are.</exception>
    public static void Check(ClusterTopology topology)
    {
        var errors = new List<ConfigurationError>();
        foreach (var node in topology.Nodes)
        {
            var options = OptionsOf(topology, node).Select(option => (option.Name, Leaves: Leaves(option.Set).ToList())).ToList();
            var settings = options.Count == 0 ? [] : Leaves(SettingsOf(topology, node)).ToList();
            foreach (var (i, option) in options.Index())
            {
                var path = $"NodeOptions:{node.Name}:{option.Name}";
                if (Clash(option.Leaves, settings))
                {
                    errors.Add(new ConfigurationError(path, $"is set by 'publish' itself; hosts/{node.Name}.local.nix can, by lib.mkForce"));
                }
                else if (options.Take(i).FirstOrDefault(other => Clash(option.Leaves, other.Leaves)).Name is { } other)
                {
                    errors.Add(new ConfigurationError(path, $"is set by NodeOptions:{node.Name}:{other}, too"));
                }
            }
        }

        if (errors.Count > 0)
        {
            throw new TopologyException(errors);
        }
    }

    private static NixSet SettingsOf(ClusterTopology topology, Node node)
    {
        var isVoter = topology.Voters.Contains(node);
        List<(string, NixValue)> host = [("role", RoleName.Of(node.Role)), ("region", node.Region)];
        if (InstanceType.MemoryMiB(node.InstanceType) is { } memory)
        {
            host.Add(("memoryMiB", memory));
        }

        List<(string, NixValue)> settings = [("host", NixSet.Of(host)), .. OfRole(topology, node)];
        if (isVoter)
        {
            settings.Add(("failoverVote.enable", true));
        }

        settings.Add(("firewall.tableFile", Generated(FirewallTable.PathOf(node.Role))));
        if (node.Role != Role.Headscale)
        {
            settings.Add(("meshClient.enable", true));
        }

        settings.Add(("secrets.names", NixValue.List(SecretCatalog.NamesOf(topology, node))));
        return NixSet.Of(("networking.hostName", node.Name), ("nixpkgs.hostPlatform", InstanceType.System(node.InstanceType)), ("dinehub", NixSet.Of(settings)));
    }

    private static IEnumerable<(string Name, NixSet Set)> OptionsOf(ClusterTopology topology, Node node) => topology.Machines.NodeOptions
        .Where(option => option.Node == node.Name)
        .Select(option => (option.Option, NixSet.Of((option.Option, NixValue.Of(option.Value)))));

    // Where values are that are no sets, which would be put together. The null ends each name, and is in none.
    private static IEnumerable<string> Leaves(NixSet set, string above = "") => set.Bindings.SelectMany(binding =>
    {
        var path = above + string.Concat(binding.Path.Select(name => name + '\0'));
        return binding.Value is NixSet { Bindings.Count: > 0 } inner ? Leaves(inner, path) : [path];
    });

    private static bool Clash(List<string> some, List<string> others) =>
        some.Exists(one => others.Exists(other => one.StartsWith(other, StringComparison.Ordinal) || other.StartsWith(one, StringComparison.Ordinal)));

    /// <summary>The path of a host's file.</summary>
    public static string PathOf(Node node) => $"hosts/{node.Name}.nix";

    private static IEnumerable<(string, NixValue)> OfRole(ClusterTopology topology, Node node) => node.Role switch
    {
        Role.Ingress =>
        [
            ("ingress", NixSet.Of(
                ("enable", true),
                ("configurationFile", Generated(NginxFiles.PathOf(node.Region))),
                ("drainSeconds", topology.Ingress.DrainSeconds))),
        ],
        Role.Backend => [("backend.enable", true)],
        Role.Coordinator or Role.Worker or Role.Standby => [("postgres.enable", true), ("backup.enable", true)],
        Role.Headscale => [("headscale", NixSet.Of(("enable", true), ("policyFile", Generated(HeadscalePolicy.Path))))],
        Role.Monitoring =>
        [
            ("monitoring", NixSet.Of(
                ("enable", true),
                ("targets", Generated("generated/prometheus/targets")),
                ("rules", Generated("generated/prometheus/rules.yaml")),
                ("dashboards", Generated("generated/grafana")))),
        ],
        _ => throw new ArgumentOutOfRangeException(nameof(node), node.Role, "There is no such role."),
    };

    private static NixPath Generated(string path) => new("../" + path);
}
