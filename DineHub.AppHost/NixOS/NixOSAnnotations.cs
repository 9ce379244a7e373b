using Aspire.Hosting.ApplicationModel;
using DineHub.Topology;

namespace DineHub.AppHost.NixOS;

/// <summary>The nodes of the topology that a resource stands for.</summary>
/// <param name="nodes">The nodes.</param>
internal sealed class TopologyNodesAnnotation(IReadOnlyList<Node> nodes) : IResourceAnnotation
{
    public IReadOnlyList<Node> Nodes { get; } = nodes;
}

/// <summary>Changes the machines that a resource is published as.</summary>
/// <param name="configure">Is called for each machine.</param>
internal sealed class NixOSHostCustomizationAnnotation(Action<NixOSHostResource, NixOSHost> configure) : IResourceAnnotation
{
    public Action<NixOSHostResource, NixOSHost> Configure { get; } = configure;
}
