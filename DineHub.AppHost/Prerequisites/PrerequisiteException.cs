namespace DineHub.AppHost.Prerequisites;

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
