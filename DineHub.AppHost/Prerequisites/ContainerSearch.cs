namespace DineHub.AppHost.Prerequisites;

/// <summary>The result of the search for a container engine.</summary>
/// <param name="Runtime">The runtime whose engine answers; null where there is none.</param>
/// <param name="Refusals">The reason for each runtime that cannot be used.</param>
internal sealed record ContainerSearch(ContainerRuntime? Runtime, IReadOnlyList<ContainerRefusal> Refusals)
{
    /// <summary>The reasons and remedies, a line each.</summary>
    public string Explanation => string.Join(Environment.NewLine, Refusals.Select(refusal => $"{refusal.Reason} {refusal.Remedy}"));
}

/// <summary>A container runtime that cannot be used.</summary>
/// <param name="Name"><c>docker</c> or <c>podman</c>.</param>
/// <param name="IsInstalled">Whether the program is there, and only its engine does not answer.</param>
/// <param name="Reason">What is missing, in one sentence.</param>
/// <param name="Remedy">What to do about it, with the command.</param>
internal sealed record ContainerRefusal(string Name, bool IsInstalled, string Reason, string Remedy);
