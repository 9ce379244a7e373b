using DineHub.AppHost.Publishing.Firewall;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.AppHost.Publishing.Nix;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Publishing.Hosts;

/// <summary>One host's file: it sets options of the modules in <c>nix/modules</c>, and only those in which hosts differ.</summary>
internal static class HostFile
{
    public static PublishedFile Write(ClusterTopology topology, Node node)
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
        var options = topology.Machines.NodeOptions.Where(option => option.Node == node.Name)
            .Select(option => (option.Option, NixValue.Of(option.Value)));
        return new PublishedFile(PathOf(node), NixDocument.Write([Header.OfHost(node.Name)], NixSet.Of(
            [("networking.hostName", node.Name), ("nixpkgs.hostPlatform", InstanceType.System(node.InstanceType)), ("dinehub", NixSet.Of(settings)), .. options])));
    }

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
