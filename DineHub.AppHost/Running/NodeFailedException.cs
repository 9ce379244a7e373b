namespace DineHub.AppHost.Running;

/// <summary>A node did not start, or a program of the cluster failed.</summary>
/// <param name="node">The node's name.</param>
/// <param name="reason">Why, in one sentence.</param>
/// <param name="lastLines">The end of its log.</param>
/// <param name="logFile">Its log.</param>
public sealed class NodeFailedException(string node, string reason, IReadOnlyList<string> lastLines, string logFile)
    : Exception($"{node}: {reason} Log: {logFile}" + string.Concat(lastLines.Select(line => $"{Environment.NewLine}  {line}")))
{
    /// <summary>The node's name.</summary>
    public string Node { get; } = node;

    /// <summary>The end of its log.</summary>
    public IReadOnlyList<string> LastLines { get; } = lastLines;
}
