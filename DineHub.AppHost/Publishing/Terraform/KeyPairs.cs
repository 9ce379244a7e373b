using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Who may sign in to a machine that was not deployed to yet: the first operator with a key that EC2 takes. The others come with the first deployment.</summary>
internal static class KeyPairs
{
    private static readonly string[] Taken = ["ssh-ed25519 ", "ssh-rsa "];

    /// <summary>A region's key pair; null where no operator has a key that EC2 takes, and Systems Manager is the only way in.</summary>
    public static TerraformReference? Of(ClusterTopology topology, string region) =>
        KeyOf(topology) is null ? null : TerraformReference.Resource("aws_key_pair", region);

    public static void Write(TerraformFile file, ClusterTopology topology, Region region)
    {
        if (KeyOf(topology) is not { } key)
        {
            return;
        }

        file.Resource("aws_key_pair", region.Name, new JsonObject
        {
            ["provider"] = Providers.Of(region.Name),
            ["key_name"] = DeploymentName.With(topology, "operator"),
            ["public_key"] = key,
        });
    }

    // Without its comment, which is free text: "${" in it would be an expression of Terraform's.
    private static string? KeyOf(ClusterTopology topology) => topology.Machines.Operators
        .Select(someone => someone.SshKey)
        .Where(key => Array.Exists(Taken, kind => key.StartsWith(kind, StringComparison.Ordinal)))
        .Select(key => string.Join(' ', key.Split(' ').Take(2)))
        .FirstOrDefault();
}
