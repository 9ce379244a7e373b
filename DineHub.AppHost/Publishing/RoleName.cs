using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Publishing;

/// <summary>How roles are written outside of C#.</summary>
internal static class RoleName
{
    /// <summary>The role in lower case: <c>backend</c>.</summary>
#pragma warning disable CA1308 // It is the name that Nix, the mesh's tags and Prometheus' labels have.
    public static string Of(Role role) => role.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>The mesh's tag: <c>tag:backend</c>.</summary>
    public static string TagOf(Role role) => "tag:" + Of(role);
}
