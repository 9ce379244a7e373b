namespace DineHub.AppHost.Local;

/// <summary>The cluster cannot start on this machine as it is.</summary>
/// <param name="problem">What is missing or in the way, in one sentence.</param>
/// <param name="remedy">What to do about it, with the command.</param>
/// <param name="cause">What showed it.</param>
public sealed class PrerequisiteException(string problem, string remedy, Exception? cause = null)
    : Exception(problem + Environment.NewLine + remedy, cause)
{
    /// <summary>What is missing or in the way, in one sentence.</summary>
    public string Problem { get; } = problem;

    /// <summary>What to do about it, with the command.</summary>
    public string Remedy { get; } = remedy;
}

/// <summary>A node did not start.</summary>
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
