namespace DineHub.Topology.Configuration;

/// <summary>The topology is not valid; the message lists every mistake.</summary>
/// <param name="errors">Every mistake.</param>
public sealed class TopologyException(IReadOnlyList<ConfigurationError> errors)
    : Exception("The topology is not valid:" + string.Concat(errors.Select(error => $"{Environment.NewLine}  {error}")))
{
    /// <summary>Every mistake, in the order of the configuration.</summary>
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
