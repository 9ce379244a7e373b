using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>
/// The public names. Each region has one for its ingresses; the domain and the control server's name lead to the nearest region
/// of the client that has a healthy ingress.
/// </summary>
internal static class DnsRecords
{
    private const string Record = "aws_route53_record";

    /// <summary>The hosted zone, which exists already.</summary>
    public static TerraformReference Zone { get; } = TerraformReference.Data("aws_route53_zone", "public");

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        file.Data("aws_route53_zone", "public", new JsonObject { ["name"] = topology.Machines.DnsZone, ["private_zone"] = false });
        var ingresses = topology.OfRole(Role.Ingress).ToLookup(ingress => ingress.Region);
        foreach (var region in topology.Regions)
        {
            WriteRegion(file, topology, region, [.. ingresses[region.Name]]);
        }
    }

    private static void WriteRegion(TerraformFile file, ClusterTopology topology, Region region, IReadOnlyList<Node> ingresses)
    {
        var name = RegionalName(topology, region);
        for (var i = 0; i < ingresses.Count; i++)
        {
            WriteIngress(file, topology, name, ingresses[i], isFirst: i == 0);
        }

        foreach (var (label, domain) in new[] { ("domain", topology.Domain), ("control", topology.ControlDomain) })
        {
            file.Resource(Record, $"{label}_{region.Name}", new JsonObject
            {
                ["zone_id"] = Zone["zone_id"],
                ["name"] = domain,
                ["type"] = "A",
                ["set_identifier"] = region.Name,
                ["latency_routing_policy"] = new JsonObject { ["region"] = region.Name },
                ["alias"] = new JsonObject
                {
                    ["name"] = TerraformReference.Resource(Record, NameOf(topology, ingresses[0]))["fqdn"],
                    ["zone_id"] = Zone["zone_id"],
                    ["evaluate_target_health"] = true,
                },
            });
        }
    }

    private static void WriteIngress(TerraformFile file, ClusterTopology topology, string name, Node ingress, bool isFirst)
    {
        var record = new JsonObject
        {
            ["zone_id"] = Zone["zone_id"],
            ["name"] = name,
            ["type"] = "A",
            ["ttl"] = topology.Machines.DnsTtlSeconds,
            ["records"] = new JsonArray(PublicAddresses.Of(ingress)["public_ip"]),
            ["set_identifier"] = ingress.Name,
            ["health_check_id"] = HealthChecks.Of(ingress).Id,
        };
        if (IsActive(topology))
        {
            record["multivalue_answer_routing_policy"] = true;
        }
        else
        {
            record["failover_routing_policy"] = new JsonObject { ["type"] = isFirst ? "PRIMARY" : "SECONDARY" };
        }

        file.Resource(Record, NameOf(topology, ingress), record);
    }

    // Records of both kinds can't have one name. With two names the new ones are there before the domain leaves the old ones.
    private static string RegionalName(ClusterTopology topology, Region region) => $"{region.Alias}.{(IsActive(topology) ? "ingress" : "standby")}.{topology.Domain}";

    private static string NameOf(ClusterTopology topology, Node ingress) => $"{(IsActive(topology) ? "active" : "failover")}_{ingress.Name}";

    private static bool IsActive(ClusterTopology topology) => topology.Machines.IngressBalancing == IngressBalancing.ActiveActive;
}
