using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing;

/// <summary>The nodes, for the scripts in <c>nix/scripts</c>.</summary>
internal static class TopologyFile
{
    public const string Path = "generated/topology.json";

    public static PublishedFile Write(ClusterTopology topology) => new(Path, PublishedJson.Write(new JsonObject
    {
        ["//"] = Header.Line,
        ["name"] = topology.Name,
        ["domain"] = topology.Domain,
        ["controlDomain"] = topology.ControlDomain,
        ["meshDomain"] = topology.MeshDomain,
        ["dnsTtlSeconds"] = topology.Machines.DnsTtlSeconds,
        ["failover"] = PublishedName.Of(topology.Failover),
        ["regions"] = new JsonArray([.. topology.Regions.Select(region => (JsonNode)new JsonObject { ["name"] = region.Name, ["alias"] = region.Alias })]),
        ["operators"] = PublishedJson.Array(topology.Machines.Operators.Select(someone => someone.Name)),
        ["nodes"] = new JsonArray([.. topology.Nodes.Select(Write)]),
    }));

    private static JsonObject Write(Node node)
    {
        var document = new JsonObject { ["name"] = node.Name, ["role"] = RoleName.Of(node.Role), ["region"] = node.Region, ["fqdn"] = node.Fqdn };
        if (node.Follows is { } primary)
        {
            document["follows"] = primary;
        }

        return document;
    }
}
