using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The volumes for what must outlive its machine: databases, and Headscale's state.</summary>
internal static class DataVolumes
{
    private const int HeadscaleGiB = 10;

    /// <summary>Whether a node has one.</summary>
    public static bool Has(Node node) => node.Role is Role.Coordinator or Role.Worker or Role.Standby or Role.Headscale;

    /// <summary>A node's volume.</summary>
    public static TerraformReference Of(Node node) => TerraformReference.Resource("aws_ebs_volume", node.Name);

    public static void Write(TerraformFile file, ClusterTopology topology, Region region, IReadOnlyList<Node> nodes)
    {
        foreach (var node in nodes.Where(Has))
        {
            file.Resource("aws_ebs_volume", node.Name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["availability_zone"] = Machines.SubnetOf(node)["availability_zone"],
                ["type"] = "gp3",
                ["size"] = node.Role == Role.Headscale ? HeadscaleGiB : topology.Machines.DataVolumeGiB,
                ["encrypted"] = true,

                // What prevents destruction goes with the node from the topology; then this is what is left.
                ["final_snapshot"] = true,
                ["tags"] = new JsonObject { ["Name"] = node.Name, ["Role"] = RoleName.Of(node.Role), [Snapshots.Tag] = Snapshots.TagValue(topology) },
                ["lifecycle"] = new JsonObject { ["prevent_destroy"] = true },
            });
            file.Resource("aws_volume_attachment", node.Name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["device_name"] = "/dev/sdf",
                ["volume_id"] = Of(node).Id,
                ["instance_id"] = Machines.Of(node).Id,
                ["stop_instance_before_detaching"] = true,
            });
        }
    }
}
