using System.Globalization;
using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>
/// One group for each role of a region: what <see cref="AccessPolicy"/> lets the internet reach, and nothing else. All other traffic
/// between machines is inside WireGuard.
/// </summary>
internal static class SecurityGroups
{
    private const string Anywhere = "0.0.0.0/0";

    /// <summary>A role's group.</summary>
    public static TerraformReference Of(Role role, string region) => TerraformReference.Resource("aws_security_group", NameOf(role, region));

    public static void Write(TerraformFile file, ClusterTopology topology, Region region, IReadOnlyList<Node> nodes)
    {
        var open = AccessPolicy.RulesOf(topology).Where(rule => rule.From == Party.Internet).ToLookup(rule => rule.To);
        foreach (var role in nodes.Select(node => node.Role).Distinct())
        {
            file.Resource("aws_security_group", NameOf(role, region.Name), new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["name"] = DeploymentName.With(topology, RoleName.Of(role)),
                ["description"] = "Machines of the role " + RoleName.Of(role),
                ["vpc_id"] = Networks.Vpc(region.Name).Id,
                ["tags"] = Tag.Name(DeploymentName.With(topology, RoleName.Of(role))),
            });
            foreach (var rule in open[AccessPolicy.PartyOf(role)])
            {
                WriteRule(file, region, role, rule);
            }

            file.Resource("aws_vpc_security_group_egress_rule", NameOf(role, region.Name), new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["security_group_id"] = Of(role, region.Name).Id,
                ["description"] = "updates, S3, Systems Manager, the mesh",
                ["cidr_ipv4"] = Anywhere,
                ["ip_protocol"] = "-1",
            });
        }
    }

    private static void WriteRule(TerraformFile file, Region region, Role role, AccessRule rule)
    {
        var transport = PublishedName.Of(rule.Transport);
        file.Resource("aws_vpc_security_group_ingress_rule", string.Create(CultureInfo.InvariantCulture, $"{NameOf(role, region.Name)}_{rule.Port}_{transport}"), new JsonObject
        {
            ["provider"] = Providers.Of(region.Name),
            ["security_group_id"] = Of(role, region.Name).Id,
            ["description"] = rule.Purpose,
            ["cidr_ipv4"] = Anywhere,
            ["ip_protocol"] = transport,
            ["from_port"] = rule.Port,
            ["to_port"] = rule.Port,
        });
    }

    private static string NameOf(Role role, string region) => $"{region}_{RoleName.Of(role)}";
}
