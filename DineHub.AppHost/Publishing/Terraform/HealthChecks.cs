using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Route 53 asks each ingress for the start page, from several regions: who does not answer leaves the DNS.</summary>
internal static class HealthChecks
{
    private const int IntervalSeconds = 10;
    private const int Failures = 3;

    /// <summary>An ingress' check.</summary>
    public static TerraformReference Of(Node ingress) => TerraformReference.Resource("aws_route53_health_check", ingress.Name);

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        foreach (var ingress in topology.OfRole(Role.Ingress))
        {
            file.Resource("aws_route53_health_check", ingress.Name, new JsonObject
            {
                ["type"] = "HTTPS",
                ["ip_address"] = PublicAddresses.Of(ingress)["public_ip"],
                ["port"] = Ports.Https,
                ["fqdn"] = topology.Domain,
                ["enable_sni"] = true,
                ["resource_path"] = "/",
                ["request_interval"] = IntervalSeconds,
                ["failure_threshold"] = Failures,
                ["tags"] = Tag.Name(ingress.Name),
            });
        }
    }
}
