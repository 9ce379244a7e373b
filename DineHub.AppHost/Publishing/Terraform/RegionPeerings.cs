using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>
/// Joins the networks of all regions, pair by pair. A NAT gateway gives each connection another port, so nodes behind two of them find no
/// direct path for WireGuard; over the private addresses they do.
/// </summary>
internal static class RegionPeerings
{
    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        for (var i = 0; i < topology.Regions.Count; i++)
        {
            foreach (var other in topology.Regions.Skip(i + 1))
            {
                Write(file, topology, topology.Regions[i], other);
            }
        }
    }

    private static void Write(TerraformFile file, ClusterTopology topology, Region requester, Region accepter)
    {
        var name = $"{requester.Name}_{accepter.Name}";
        var tags = Tag.Name(DeploymentName.With(topology, $"{requester.Alias}-{accepter.Alias}"));
        var request = file.Resource("aws_vpc_peering_connection", name, new JsonObject
        {
            ["provider"] = Providers.Of(requester.Name),
            ["vpc_id"] = Networks.Vpc(requester.Name).Id,
            ["peer_vpc_id"] = Networks.Vpc(accepter.Name).Id,
            ["peer_region"] = accepter.Name,
            ["auto_accept"] = false,
            ["tags"] = tags,
        });
        var peering = file.Resource("aws_vpc_peering_connection_accepter", name, new JsonObject
        {
            ["provider"] = Providers.Of(accepter.Name),
            ["vpc_peering_connection_id"] = request.Id,
            ["auto_accept"] = true,
            ["tags"] = tags.DeepClone(),
        });
        WriteRoutes(file, peering, requester, accepter);
        WriteRoutes(file, peering, accepter, requester);
    }

    // By the accepter's id: AWS refuses a route over a peering that is not accepted.
    private static void WriteRoutes(TerraformFile file, TerraformReference peering, Region from, Region to)
    {
        foreach (var (kind, table) in Networks.RouteTables(from.Name))
        {
            file.Resource("aws_route", $"{from.Name}_{kind}_{to.Name}", new JsonObject
            {
                ["provider"] = Providers.Of(from.Name),
                ["route_table_id"] = table.Id,
                ["destination_cidr_block"] = to.Cidr,
                ["vpc_peering_connection_id"] = peering.Id,
            });
        }
    }
}
