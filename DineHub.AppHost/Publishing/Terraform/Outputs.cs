using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>What the hosts' configurations and the scripts need to know of what was made.</summary>
internal static class Outputs
{
    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        file.Output(
            "hosts",
            "Each machine, for infrastructure.json: terraform output -json hosts > ../../infrastructure.json",
            PublishedJson.Object(topology.Nodes, node => node.Name, Host));
        file.Output(
            "health_checks",
            "The Route 53 health check of each ingress.",
            PublishedJson.Object(topology.OfRole(Role.Ingress), ingress => ingress.Name, ingress => HealthChecks.Of(ingress).Id));
        file.Output("images_public_url", "What images' URLs start with: Images:PublicUrl of the API.", ImagesUrl);
        file.Output("name_servers", "The name servers of the hosted zone, for the registrar of the domain.", DnsRecords.Zone["name_servers"]);
    }

    private static string ImagesUrl => "https://" + ImageDelivery.Reference["domain_name"];

    private static JsonObject Host(Node node)
    {
        var host = new JsonObject
        {
            ["instanceId"] = Machines.Of(node).Id,
            ["privateAddress"] = Machines.Of(node)["private_ip"],
            ["publicAddress"] = PublicAddresses.Has(node) ? PublicAddresses.Of(node)["public_ip"] : null,
            ["dataVolumeId"] = DataVolumes.Has(node) ? DataVolumes.Of(node).Id : null,
        };
        if (node.Role == Role.Backend)
        {
            host["imagesPublicUrl"] = ImagesUrl;
        }

        return host;
    }
}
