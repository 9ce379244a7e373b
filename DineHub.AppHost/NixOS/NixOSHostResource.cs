using DineHub.Topology;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The machines that one resource of the application is published as; they differ by number only.</summary>
/// <param name="target">The resource.</param>
/// <param name="nodes">The nodes of the topology that it stands for.</param>
/// <param name="environment">The environment.</param>
public sealed class NixOSHostResource(IResource target, IReadOnlyList<Node> nodes, NixOSEnvironmentResource environment)
    : Resource($"{environment.Name}-{target.Name}"), IResourceWithParent<NixOSEnvironmentResource>
{
    /// <summary>The resource that is published.</summary>
    public IResource TargetResource { get; } = target;

    /// <summary>The nodes of the topology that it stands for.</summary>
    public IReadOnlyList<Node> Nodes { get; } = nodes;

    /// <inheritdoc/>
    public NixOSEnvironmentResource Parent { get; } = environment;
}
