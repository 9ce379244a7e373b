namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// The second server of a coordinator or worker: a streaming standby of it, until it is promoted. Then the other one is the standby.
/// </summary>
/// <param name="name">The standby's name.</param>
/// <param name="parent">The group's first server.</param>
public sealed class CitusStandbyResource(string name, CitusNodeResource parent) : CitusNodeResource(name), IResourceWithParent<CitusNodeResource>
{
    /// <inheritdoc/>
    public CitusNodeResource Parent { get; } = parent;

    /// <inheritdoc/>
    public override CitusClusterResource Cluster => Parent.Cluster;
}
