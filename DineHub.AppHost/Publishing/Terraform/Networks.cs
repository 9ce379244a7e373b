using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Addressing;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>A region's network: subnets in two availability zones, the ways out of them, and nothing that leads in.</summary>
internal static class Networks
{
    private const string Zones = "aws_availability_zones";
    private const string Public = "public";
    private const string Private = "private";

    private static readonly string[] Kinds = [Public, Private];

    /// <summary>How many availability zones a region's machines stand in.</summary>
    public const int ZoneCount = 2;

    /// <summary>The region's network.</summary>
    public static TerraformReference Vpc(string region) => TerraformReference.Resource("aws_vpc", region);

    /// <summary>A subnet whose machines have public addresses.</summary>
    public static TerraformReference PublicSubnet(string region, int zone) => TerraformReference.Resource("aws_subnet", SubnetName(region, Public, zone));

    /// <summary>A subnet whose machines have none.</summary>
    public static TerraformReference PrivateSubnet(string region, int zone) => TerraformReference.Resource("aws_subnet", SubnetName(region, Private, zone));

    /// <summary>The ways from the region's subnets.</summary>
    public static IReadOnlyList<(string Kind, TerraformReference Table)> RouteTables(string region) =>
        [.. Kinds.Select(kind => (kind, TerraformReference.Resource("aws_route_table", RouteTableName(region, kind))))];

    /// <summary>The region's way from and to the internet.</summary>
    public static TerraformReference InternetGateway(string region) => TerraformReference.Resource("aws_internet_gateway", region);

    /// <summary>Headscale's address, kept free of other machines.</summary>
    public static TerraformReference HeadscaleReservation { get; } = TerraformReference.Resource("aws_ec2_subnet_cidr_reservation", "headscale");

    public static void Write(TerraformFile file, ClusterTopology topology, Region region)
    {
        var network = RegionNetwork.Of(region);
        var provider = Providers.Of(region.Name);
        file.Data(Zones, region.Name, new JsonObject
        {
            ["provider"] = provider,
            ["state"] = "available",
            ["filter"] = new JsonObject { ["name"] = "zone-type", ["values"] = new JsonArray("availability-zone") },
        });
        file.Resource("aws_vpc", region.Name, new JsonObject
        {
            ["provider"] = provider,
            ["cidr_block"] = region.Cidr,
            ["enable_dns_support"] = true,
            ["enable_dns_hostnames"] = true,
            ["tags"] = Tag.Name(DeploymentName.With(topology, region.Alias)),
        });
        file.Resource("aws_default_security_group", region.Name, new JsonObject
        {
            [TerraformFile.Comment] = "No rules: what is put into no group reaches nothing, and nothing reaches it.",
            ["provider"] = provider,
            ["vpc_id"] = Vpc(region.Name).Id,
        });
        WriteSubnets(file, topology, region, Public, network.PublicSubnets);
        WriteSubnets(file, topology, region, Private, network.PrivateSubnets);
        WriteWaysOut(file, topology, region);
        if (topology.OfRole(Role.Headscale).Any(headscale => headscale.Region == region.Name))
        {
            file.Resource("aws_ec2_subnet_cidr_reservation", "headscale", new JsonObject
            {
                ["provider"] = provider,
                ["cidr_block"] = network.HeadscaleAddress + "/32",
                ["reservation_type"] = "explicit",
                ["subnet_id"] = PrivateSubnet(region.Name, 0).Id,
            });
        }
    }

    private static void WriteSubnets(TerraformFile file, ClusterTopology topology, Region region, string kind, IReadOnlyList<IPNetwork> subnets)
    {
        for (var zone = 0; zone < ZoneCount; zone++)
        {
            var name = SubnetName(region.Name, kind, zone);
            file.Resource("aws_subnet", name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["vpc_id"] = Vpc(region.Name).Id,
                ["cidr_block"] = subnets[zone].ToString(),
                ["availability_zone"] = TerraformReference.Data(Zones, region.Name)[string.Create(CultureInfo.InvariantCulture, $"names[{zone}]")],
                ["map_public_ip_on_launch"] = false,
                ["tags"] = Tag.Name(DeploymentName.With(topology, string.Create(CultureInfo.InvariantCulture, $"{kind}-{zone + 1}"))),

                // Volumes can't move: a zone that is closed for new machines must not move the subnet.
                ["lifecycle"] = new JsonObject { ["ignore_changes"] = new JsonArray("availability_zone") },
            });
            file.Resource("aws_route_table_association", name, new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["subnet_id"] = TerraformReference.Resource("aws_subnet", name).Id,
                ["route_table_id"] = TerraformReference.Resource("aws_route_table", RouteTableName(region.Name, kind)).Id,
            });
        }
    }

    private static void WriteWaysOut(TerraformFile file, ClusterTopology topology, Region region)
    {
        var provider = Providers.Of(region.Name);
        file.Resource("aws_internet_gateway", region.Name, new JsonObject
        {
            ["provider"] = provider,
            ["vpc_id"] = Vpc(region.Name).Id,
            ["tags"] = Tag.Name(DeploymentName.With(topology, region.Alias)),
        });
        var address = file.Resource("aws_eip", "nat_" + region.Name, new JsonObject
        {
            ["provider"] = provider,
            ["domain"] = "vpc",
            ["tags"] = Tag.Name(DeploymentName.With(topology, "nat")),
            ["depends_on"] = new JsonArray(InternetGateway(region.Name).Address),
        });
        var nat = file.Resource("aws_nat_gateway", region.Name, new JsonObject
        {
            ["provider"] = provider,
            ["allocation_id"] = address.Id,
            ["subnet_id"] = PublicSubnet(region.Name, 0).Id,
            ["tags"] = Tag.Name(DeploymentName.With(topology, region.Alias)),
            ["depends_on"] = new JsonArray(InternetGateway(region.Name).Address),
        });
        foreach (var (kind, table) in RouteTables(region.Name))
        {
            file.Resource("aws_route_table", RouteTableName(region.Name, kind), new JsonObject
            {
                ["provider"] = provider,
                ["vpc_id"] = Vpc(region.Name).Id,
                ["tags"] = Tag.Name(DeploymentName.With(topology, kind)),
            });
            file.Resource("aws_route", $"{RouteTableName(region.Name, kind)}_internet", new JsonObject
            {
                ["provider"] = provider,
                ["route_table_id"] = table.Id,
                ["destination_cidr_block"] = "0.0.0.0/0",
                [kind == Public ? "gateway_id" : "nat_gateway_id"] = kind == Public ? InternetGateway(region.Name).Id : nat.Id,
            });
        }

        file.Resource("aws_vpc_endpoint", "s3_" + region.Name, new JsonObject
        {
            [TerraformFile.Comment] = "Backups to a bucket of the same region do not go through the NAT gateway, which costs by the byte.",
            ["provider"] = provider,
            ["vpc_id"] = Vpc(region.Name).Id,
            ["vpc_endpoint_type"] = "Gateway",
            ["service_name"] = $"com.amazonaws.{region.Name}.s3",
            ["route_table_ids"] = PublishedJson.Array(RouteTables(region.Name).Select(pair => pair.Table.Id)),
            ["tags"] = Tag.Name(DeploymentName.With(topology, "s3")),
        });
    }

    private static string SubnetName(string region, string kind, int zone) => string.Create(CultureInfo.InvariantCulture, $"{region}_{kind}_{zone + 1}");

    private static string RouteTableName(string region, string kind) => $"{region}_{kind}";
}
