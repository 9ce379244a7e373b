using DineHub.AppHost.Prerequisites;
using DineHub.Topology.Configuration;

namespace DineHub.AppHost.Composition;

/// <summary>How the cluster runs on this machine.</summary>
internal sealed record RunOptions
{
    /// <summary>Where the topology is read from.</summary>
    public required TopologySource Source { get; init; }

    /// <summary>The folder for data and logs; null for this checkout's own.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Whether to remove the data of earlier runs first.</summary>
    public bool Fresh { get; init; }

    /// <summary>What to restore from backups before the start: a time with its offset, a restore point's name, or <c>latest</c>; null for nothing.</summary>
    public string? RestoreTo { get; init; }

    /// <summary>Whether to make this user's programs trust the gateways' certificate.</summary>
    public bool TrustCertificate { get; init; }

    /// <summary>Whether the console shows everything that the nodes print.</summary>
    public bool Verbose { get; init; }

    /// <summary>The engine that keeps the data.</summary>
    public EnginePreference Engine { get; init; }

    /// <summary>Whether to install what is missing without asking.</summary>
    public bool Yes { get; init; }

    /// <summary>Aspire's own options, as it reads them from its command line.</summary>
    public IReadOnlyList<string> AspireArguments { get; init; } = [];
}
