using DineHub.Topology;

namespace DineHub.AppHost.Publishing;

/// <summary>How roles are written outside of C#.</summary>
internal static class RoleName
{
    /// <summary>The role in lower case: <c>backend</c>.</summary>
    public static string Of(Role role) => PublishedName.Of(role);

    /// <summary>The mesh's tag: <c>tag:backend</c>.</summary>
    public static string TagOf(Role role) => "tag:" + Of(role);
}
