using System.Globalization;
using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Addressing;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The machines themselves.</summary>
internal static class Machines
{
    /// <summary>A node's machine.</summary>
    public static TerraformReference Of(Node node) => TerraformReference.Resource("aws_instance", node.Name);

    /// <summary>The subnet that a node stands in. It hangs on the node's name alone: a machine whose number shifted could not take its volume along.</summary>
    public static TerraformReference SubnetOf(Node node) => node.Role == Role.Ingress
        ? Networks.PublicSubnet(node.Region, ZoneOf(node))
        : Networks.PrivateSubnet(node.Region, ZoneOf(node));

    public static void Write(TerraformFile file, ClusterTopology topology, Region region, IReadOnlyList<Node> nodes)
    {
        var headscale = nodes.FirstOrDefault(node => node.Role == Role.Headscale);
        foreach (var node in nodes)
        {
            var machine = Machine(topology, node);
            if (node == headscale)
            {
                machine["private_ip"] = RegionNetwork.Of(region).HeadscaleAddress.ToString();
            }

            if (headscale is not null && SubnetOf(node) == SubnetOf(headscale))
            {
                machine["depends_on"] = new JsonArray(Networks.HeadscaleReservation.Address);
            }

            // A newer image or another operator is no reason to replace a machine.
            machine["lifecycle"] = new JsonObject { ["ignore_changes"] = new JsonArray("ami", "key_name") };
            file.Resource("aws_instance", node.Name, machine);
        }
    }

    private static JsonObject Machine(ClusterTopology topology, Node node)
    {
        var machine = new JsonObject
        {
            ["provider"] = Providers.Of(node.Region),
            ["ami"] = MachineImages.Of(node.InstanceType, node.Region).Id,
            ["instance_type"] = node.InstanceType,
            ["subnet_id"] = SubnetOf(node).Id,
            ["vpc_security_group_ids"] = new JsonArray(SecurityGroups.Of(node.Role, node.Region).Id),
            ["iam_instance_profile"] = InstanceRoles.ProfileOf(node.Role)["name"],
            ["monitoring"] = false,
            ["disable_api_termination"] = DataVolumes.Has(node),
            ["metadata_options"] = new JsonObject
            {
                ["http_endpoint"] = "enabled",
                ["http_tokens"] = "required",
                ["http_put_response_hop_limit"] = 1,
                ["instance_metadata_tags"] = "enabled",
            },
            ["root_block_device"] = new JsonObject
            {
                ["volume_type"] = "gp3",
                ["volume_size"] = topology.Machines.RootDiskGiB,
                ["encrypted"] = true,
                ["delete_on_termination"] = true,
            },
            ["tags"] = new JsonObject { ["Name"] = node.Name, ["Role"] = RoleName.Of(node.Role) },
        };
        if (KeyPairs.Of(topology, node.Region) is { } key)
        {
            machine["key_name"] = key["key_name"];
        }

        // An ingress gets an address of its own afterwards; to say "false" there would replace it when it has one.
        if (!PublicAddresses.Has(node))
        {
            machine["associate_public_ip_address"] = false;
        }

        return machine;
    }

    // What has no number is the first. A standby stands in the zone where its primary does not: with one region it has no other.
    private static int ZoneOf(Node node)
    {
        var number = node.Name.Split('-').LastOrDefault(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        var first = number is null ? 0 : int.Parse(number, CultureInfo.InvariantCulture) - 1;
        return (first + (node.Role == Role.Standby ? 1 : 0)) % Networks.ZoneCount;
    }
}
