namespace Aspire.Hosting.ApplicationModel;

/// <summary>A worker of a Citus cluster.</summary>
/// <param name="name">The worker's name.</param>
/// <param name="parent">The cluster.</param>
public sealed class CitusWorkerResource(string name, CitusClusterResource parent) : CitusNodeResource(name), IResourceWithParent<CitusClusterResource>
{
    /// <inheritdoc/>
    public CitusClusterResource Parent { get; } = parent;

    /// <inheritdoc/>
    public override CitusClusterResource Cluster => Parent;
}
