using System.Net;
using System.Text.Json.Serialization;

namespace DineHub.Topology;

/// <summary>Who is promoted when a database primary is lost, and by whom.</summary>
public enum Failover
{
    /// <summary>An operator promotes: <c>db promote</c>.</summary>
    Manual,

    /// <summary>Patroni and etcd vote, on three sites.</summary>
    Vote,
}

/// <summary>How customers are spread over the ingresses of a region. Regions are always chosen by latency.</summary>
public enum IngressBalancing
{
    /// <summary>DNS answers with all that are healthy.</summary>
    ActiveActive,

    /// <summary>DNS answers with the first, and with the second while the first is not healthy.</summary>
    ActiveStandby,
}

/// <summary>Somebody who deploys.</summary>
/// <param name="Name">The name on machines and on the mesh: lower-case letters, digits and hyphens, a letter first, at most 31.</param>
/// <param name="SshKey">The public key, as it stands in <c>authorized_keys</c>, on one line.</param>
/// <param name="AgeRecipient">The public age key (<c>age1…</c>) that secrets are encrypted to; null for somebody who reads none.</param>
public sealed record MachineOperator(string Name, string SshKey, string? AgeRecipient);

/// <summary>An option of NixOS that the topology sets for one node.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Option">The option's dotted name: <c>services.openssh.settings.LogLevel</c>.</param>
/// <param name="Value">A <see cref="string"/>, <see cref="long"/>, <see cref="double"/>, <see cref="bool"/> or null; a list or a map of these.</param>
public sealed record NodeOption(string Node, string Option, object? Value);

/// <summary>What only machines need: a local run has none of it.</summary>
public sealed record MachineSettings
{
    /// <summary>Who may sign in to the machines, and read secrets.</summary>
    public required IReadOnlyList<MachineOperator> Operators { get; init; }

    /// <summary>Whom the certificate authority writes to.</summary>
    public required string AcmeEmail { get; init; }

    /// <summary>Whether the certificate authority's terms are accepted. Machines do not evaluate without it.</summary>
    public required bool AcmeAcceptTerms { get; init; }

    /// <summary>The hosted zone that the records go to: the domain, or one above it.</summary>
    public required string DnsZone { get; init; }

    /// <summary>How long resolvers may keep records, in seconds, 10 to 60: a lost ingress is asked for no longer.</summary>
    public required int DnsTtlSeconds { get; init; }

    /// <summary>How customers are spread over the ingresses of a region.</summary>
    public required IngressBalancing IngressBalancing { get; init; }

    /// <summary>The IPv4 range of the WireGuard link between Headscale, which has its first address, and the ingresses: <c>10.254.0.0/22</c>.</summary>
    public required string ControlLinkRange { get; init; }

    /// <summary><see cref="ControlLinkRange"/> as a network.</summary>
    [JsonIgnore]
    public IPNetwork ControlLink => IPNetwork.Parse(ControlLinkRange);

    /// <summary>The size of root disks, in GiB.</summary>
    public required int RootDiskGiB { get; init; }

    /// <summary>The size of the database servers' data volumes, in GiB.</summary>
    public required int DataVolumeGiB { get; init; }

    /// <summary>How many daily snapshots of data volumes are kept, 1 to 365.</summary>
    public required int SnapshotsKept { get; init; }

    /// <summary>Options of single nodes, in the order of their nodes and names.</summary>
    public required IReadOnlyList<NodeOption> NodeOptions { get; init; }
}
