namespace DineHub.AppHost.Topology;

/// <summary>A mistake in the topology.</summary>
/// <param name="Path">The configuration path: <c>Regions:0:Backends</c>.</param>
/// <param name="Message">The rule that is broken.</param>
public sealed record TopologyError(string Path, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Message}";
}

/// <summary>The topology is not valid; the message lists every mistake.</summary>
/// <param name="errors">Every mistake.</param>
public sealed class TopologyException(IReadOnlyList<TopologyError> errors)
    : Exception("The topology is not valid:" + string.Concat(errors.Select(error => $"{Environment.NewLine}  {error}")))
{
    /// <summary>Every mistake, in the order of the configuration.</summary>
    public IReadOnlyList<TopologyError> Errors { get; } = errors;
}
