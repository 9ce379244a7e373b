using System.Globalization;
using DineHub.AppHost.Publishing.Nix;
using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Addressing;

namespace DineHub.AppHost.Publishing.Hosts;

/// <summary>The module that every host imports: what the topology says of the cluster as a whole (<c>dinehub.cluster</c>).</summary>
internal static class ClusterFile
{
    public const string Path = "generated/cluster.nix";

    public static PublishedFile Write(ClusterTopology topology)
    {
        var machines = topology.Machines;
        var buckets = Buckets.Of(topology);
        var cluster = NixSet.Of(
            ("name", topology.Name),
            ("domain", topology.Domain),
            ("controlDomain", topology.ControlDomain),
            ("mesh", NixSet.Of(("domain", topology.MeshDomain), ("addressRange", topology.MeshAddressRange))),
            ("controlLink", NixSet.Of(
                ("range", machines.ControlLinkRange),
                ("headscaleAddress", ControlLink.HeadscaleAddress(topology)),
                ("headscaleEndpoint", string.Create(CultureInfo.InvariantCulture, $"{ControlLink.HeadscalePrivateAddress(topology)}:{Ports.WireGuard}")),
                ("ingresses", Map(ControlLink.IngressAddresses(topology).Select(pair => (pair.Ingress.Name, (NixValue)pair.Address)))))),
            ("operators", Map(machines.Operators.Select(someone => (someone.Name, (NixValue)NixSet.Of(("sshKey", someone.SshKey)))))),
            ("acme", NixSet.Of(("email", machines.AcmeEmail), ("acceptTerms", machines.AcmeAcceptTerms))),
            ("database", NixSet.Of(
                ("durability", PublishedName.Of(topology.Durability)),
                ("standbyTimeoutSeconds", topology.StandbyTimeoutSeconds),
                ("shards", topology.Shards),
                ("failover", PublishedName.Of(topology.Failover)),
                ("coordinator", Server(topology.Coordinator)),
                ("workers", List(topology.OfRole(Role.Worker), Server)),
                ("standbys", List(topology.OfRole(Role.Standby), Server)),
                ("voters", List(topology.Voters, voter => NixSet.Of(("name", voter.Name), ("host", voter.Fqdn), ("site", voter.Region)))))),
            ("buckets", NixSet.Of(("backups", Bucket(buckets.Backups)), ("images", Bucket(buckets.Images)))));
        return new PublishedFile(Path, NixDocument.Write([Header.Line], NixSet.Of(("dinehub.cluster", cluster))));
    }

    private static NixSet Server(Node node)
    {
        List<(string, NixValue)> bindings = [("name", node.Name), ("region", node.Region), ("host", node.Fqdn)];
        if (node.Follows is { } primary)
        {
            bindings.Add(("follows", primary));
        }

        return NixSet.Of(bindings);
    }

    private static NixSet Bucket(Bucket bucket) => NixSet.Of(("name", bucket.Name), ("region", bucket.Region));

    private static NixList List(IEnumerable<Node> nodes, Func<Node, NixSet> write) => new([.. nodes.Select(write)]);

    // Names as they are: they may have dots for no reason of Nix'.
    private static NixSet Map(IEnumerable<(string Name, NixValue Value)> pairs) => new([.. pairs.Select(pair => new NixBinding([pair.Name], pair.Value))]);
}
