using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>How things are called that are unique in an account.</summary>
internal static class DeploymentName
{
    // A role's name has 64 characters at most, and the longest suffix takes 20 of them.
    private const int Longest = 40;

    /// <summary>The deployment's name and a suffix: <c>dinehub-backend</c>.</summary>
    public static string With(ClusterTopology topology, string suffix) => $"{topology.Name[..Math.Min(topology.Name.Length, Longest)]}-{suffix}";
}
