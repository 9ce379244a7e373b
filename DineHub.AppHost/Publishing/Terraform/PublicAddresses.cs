using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The public addresses, which ingresses alone have. They stay when a machine is replaced.</summary>
internal static class PublicAddresses
{
    /// <summary>Whether a node has one.</summary>
    public static bool Has(Node node) => node.Role == Role.Ingress;

    /// <summary>A node's address.</summary>
    public static TerraformReference Of(Node node) => TerraformReference.Resource("aws_eip", node.Name);

    public static void Write(TerraformFile file, Region region, IReadOnlyList<Node> nodes)
    {
        foreach (var node in nodes.Where(Has))
        {
            file.Resource("aws_eip", node.Name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["domain"] = "vpc",
                ["tags"] = Tag.Name(node.Name),
                ["depends_on"] = new JsonArray(Networks.InternetGateway(region.Name).Address),
            });
            file.Resource("aws_eip_association", node.Name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["instance_id"] = Machines.Of(node).Id,
                ["allocation_id"] = Of(node).Id,
            });
        }
    }
}
