namespace DineHub.Topology.Configuration;

/// <summary>A mistake in a configuration.</summary>
/// <param name="Path">The configuration path: <c>Regions:0:Backends</c>.</param>
/// <param name="Message">The rule that is broken.</param>
public sealed record ConfigurationError(string Path, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Message}";
}
