namespace DineHub.AppHost.Publishing;

/// <summary>How names of enumerations are written outside of C#.</summary>
internal static class PublishedName
{
    /// <summary>The name in lower case: <c>backend</c>, <c>tcp</c>.</summary>
#pragma warning disable CA1308 // It is the name that Nix, the mesh's tags, Terraform and Prometheus' labels have.
    public static string Of<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
#pragma warning restore CA1308
}
