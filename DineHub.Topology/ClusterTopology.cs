using System.Text.Json.Serialization;
using DineHub.Topology.Ingress;

namespace DineHub.Topology;

/// <summary>When a commit is acknowledged.</summary>
public enum CommitDurability
{
    /// <summary>When it is on the primary's disk.</summary>
    Local,

    /// <summary>When it is on the disks of the primary and of its standby.</summary>
    Standby,
}

/// <summary>A region of the deployment.</summary>
/// <param name="Name">The provider's name: <c>eu-west-1</c>.</param>
/// <param name="Alias">The short name that stands in host names: <c>eu</c>.</param>
/// <param name="Cidr">The IPv4 range of the region's private network: <c>10.10.0.0/16</c>.</param>
public sealed record Region(string Name, string Alias, string Cidr);

/// <summary>
/// The whole deployment: regions expanded to named nodes, validated. The local run, Aspire, the publisher and the drills all start here.
/// </summary>
public sealed record ClusterTopology
{
    /// <summary>The deployment's name, a DNS label: <c>dinehub</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The public DNS name that customers use.</summary>
    public required string Domain { get; init; }

    /// <summary>The MagicDNS base domain; node names are labels below it.</summary>
    public required string MeshDomain { get; init; }

    /// <summary>The IPv4 range that mesh addresses are taken from.</summary>
    public required string MeshAddressRange { get; init; }

    /// <summary>The regions, in the order of the configuration.</summary>
    public required IReadOnlyList<Region> Regions { get; init; }

    /// <summary>Every node, ordered by role, then by number.</summary>
    public required IReadOnlyList<Node> Nodes { get; init; }

    /// <summary>When a commit is acknowledged.</summary>
    public required CommitDurability Durability { get; init; }

    /// <summary>How many seconds commits wait for a standby that has gone before the primary goes on without it, 1 to 3600.</summary>
    public required int StandbyTimeoutSeconds { get; init; }

    /// <summary>How many shards a distributed table has on Citus.</summary>
    public required int Shards { get; init; }

    /// <summary>Who is promoted when a primary is lost, and by whom.</summary>
    public required Failover Failover { get; init; }

    /// <summary>What only machines need.</summary>
    public required MachineSettings Machines { get; init; }

    /// <summary>How the ingresses behave.</summary>
    public required IngressPolicy Ingress { get; init; }

    /// <summary>The first port of the local gateways for HTTP, one each in the order of the nodes; 0 allocates free ones. 1 to 65535 otherwise.</summary>
    public required int LocalGatewayPort { get; init; }

    /// <summary>The first port of the local gateways for HTTPS; as <see cref="LocalGatewayPort"/>.</summary>
    public required int LocalGatewayTlsPort { get; init; }

    /// <summary>The public name of the mesh's control server, which the ingresses relay to.</summary>
    public string ControlDomain => "control." + Domain;

    /// <summary>The one coordinator.</summary>
    [JsonIgnore]
    public Node Coordinator => Nodes.Single(n => n.Role == Role.Coordinator);

    /// <summary>The region of a node.</summary>
    /// <param name="node">The node.</param>
    public Region RegionOf(Node node) => Regions.Single(region => region.Name == node.Region);

    /// <summary>The nodes that vote on failover: none, or the coordinator, its standby and the monitoring host, each on a site of its own.</summary>
    [JsonIgnore]
    public IReadOnlyList<Node> Voters => Failover == Failover.Manual
        ? []
        : [Coordinator, OfRole(Role.Standby).Single(standby => standby.Follows == Coordinator.Name), OfRole(Role.Monitoring).Single()];

    /// <summary>The nodes of a role, in order.</summary>
    public IEnumerable<Node> OfRole(Role role) => Nodes.Where(n => n.Role == role);
}
