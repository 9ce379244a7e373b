namespace DineHub.Tests;

/// <summary>A fact about the Aspire application: skipped, loudly, where the tests were built without Aspire's packages.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AspireFactAttribute : FactAttribute
{
    /// <param name="needsContainers">Whether it starts containers.</param>
    public AspireFactAttribute(bool needsContainers = false)
    {
        NeedsContainers = needsContainers;
#if USE_ASPIRE
        if (needsContainers && !Aspire.Containers.Answer())
        {
            Skip = "no Docker and no Podman answers: apt-get install docker.io";
        }
#else
        Skip = "Aspire's packages are missing in this build. Where the feed has Aspire 13.5.2: dotnet test -p:UseAspire=true --filter FullyQualifiedName~Aspire"
            + (needsContainers ? ", with Docker or Podman" : "");
#endif
    }

    public bool NeedsContainers { get; }
}
