using System.Globalization;
using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>What Prometheus scrapes, one file for each job (Prometheus documentation, "file_sd_config").</summary>
internal static class PrometheusTargets
{
    public const string Folder = "generated/prometheus/targets";

    private static readonly Role[] Data = [Role.Coordinator, Role.Worker, Role.Standby];

    private static readonly (string Job, int Port, Func<Role, bool> Has)[] Jobs =
    [
        ("node", Ports.NodeExporter, role => role != Role.Headscale),
        ("api", Ports.Backend, role => role == Role.Backend),
        ("nginx", Ports.NginxExporter, role => role == Role.Ingress),
        ("postgres", Ports.PostgresExporter, Data.Contains),
        ("keeper", Ports.Keeper, Data.Contains),
        ("patroni", Ports.Patroni, Data.Contains),
    ];

    public static IEnumerable<PublishedFile> Write(ClusterTopology topology)
    {
        // Each has the place of the other.
        var absent = topology.Failover == Failover.Vote ? "keeper" : "patroni";

        // A keeper is there for a group's sake: without standbys there is none.
        var isKept = topology.OfRole(Role.Standby).Any();
        return Jobs
            .Where(job => job.Job != absent && (isKept || job.Job != "keeper"))
            .Select(job => new PublishedFile($"{Folder}/{job.Job}.json", PublishedJson.Write(new JsonArray(
            [
                .. topology.Nodes.Where(node => job.Has(node.Role)).Select(node => (JsonNode)new JsonObject
                {
                    ["targets"] = PublishedJson.Array([string.Create(CultureInfo.InvariantCulture, $"{node.Fqdn}:{job.Port}")]),
                    ["labels"] = new JsonObject { ["node"] = node.Name, ["role"] = RoleName.Of(node.Role), ["region"] = node.Region },
                }),
            ]))));
    }
}
