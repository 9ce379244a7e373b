using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Daily snapshots of data volumes (Amazon Data Lifecycle Manager).</summary>
internal static class Snapshots
{
    private const string Role = "snapshots";

    /// <summary>The tag of volumes that are copied.</summary>
    public const string Tag = "Snapshots";

    /// <summary>The tag's value: other deployments of the account have others.</summary>
    public static string TagValue(ClusterTopology topology) => topology.Name;

    public static void Write(TerraformFile file, ClusterTopology topology, Region region, IReadOnlyList<Node> nodes)
    {
        if (!nodes.Any(DataVolumes.Has))
        {
            return;
        }

        file.Resource("aws_dlm_lifecycle_policy", region.Name, new JsonObject
        {
            ["provider"] = Providers.Of(region.Name),
            ["description"] = $"Daily snapshots of the data volumes of {topology.Name}",
            ["execution_role_arn"] = TerraformReference.Resource("aws_iam_role", Role)["arn"],
            ["state"] = "ENABLED",
            ["policy_details"] = new JsonObject
            {
                ["resource_types"] = new JsonArray("VOLUME"),
                ["target_tags"] = new JsonObject { [Tag] = TagValue(topology) },
                ["schedule"] = new JsonObject
                {
                    ["name"] = "daily",
                    ["copy_tags"] = true,
                    ["create_rule"] = new JsonObject { ["interval"] = 24, ["interval_unit"] = "HOURS", ["times"] = new JsonArray("03:00") },
                    ["retain_rule"] = new JsonObject { ["count"] = topology.Machines.SnapshotsKept },
                },
            },
        });
    }

    /// <summary>The role that takes them.</summary>
    public static void WriteRole(TerraformFile file, ClusterTopology topology)
    {
        var trust = PolicyDocument.Write(file, "snapshots_trust", [PolicyStatement.Trust("dlm.amazonaws.com")]);
        file.Resource("aws_iam_role", Role, new JsonObject
        {
            ["name"] = DeploymentName.With(topology, Role),
            ["assume_role_policy"] = trust,
        });
        file.Resource("aws_iam_role_policy_attachment", Role, new JsonObject
        {
            ["role"] = TerraformReference.Resource("aws_iam_role", Role)["name"],
            ["policy_arn"] = $"arn:{Providers.Partition}:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole",
        });
    }
}
