using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>Where secrets are, below the folder that is published to. All of it is encrypted, and belongs into git.</summary>
internal static class SecretFiles
{
    /// <summary>A host's secrets, encrypted by sops to the host and the operators.</summary>
    public static string PathOf(Node node) => $"secrets/{node.Name}.yaml";

    /// <summary>A host's own age key, encrypted to the operators.</summary>
    public static string KeyPathOf(string node) => $"secrets/keys/{node}.age";
}
