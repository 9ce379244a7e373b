using DineHub.AppHost.Publishing.Firewall;
using DineHub.AppHost.Publishing.Hosts;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.AppHost.Publishing.Monitoring;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.AppHost.Publishing.Terraform;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.AppHost.Publishing;

/// <summary>Turns a topology into all that an operator deploys, besides what is written by hand.</summary>
internal static class Publisher
{
    /// <summary>The files, in the order of their paths. The same topology and recipients give the same files.</summary>
    /// <param name="topology">The deployment.</param>
    /// <param name="recipients">Whom secrets are encrypted to; null before they were made.</param>
    /// <exception cref="TopologyException">The topology sets an option that is set already.</exception>
    public static IReadOnlyList<PublishedFile> Publish(ClusterTopology topology, Recipients? recipients)
    {
        HostFile.Check(topology);
        return
        [
            .. new PublishedFile[]
            {
                ClusterFile.Write(topology),
                HeadscalePolicy.Write(topology),
                AlertRules.Write(topology),
                PostgresFile.Write(),
                SecretCatalog.Write(topology),
                SopsRules.Write(topology, recipients),
                TopologyFile.Write(topology),
            }
            .Concat(topology.Nodes.Select(node => HostFile.Write(topology, node)))
            .Concat(NginxFiles.Write(topology))
            .Concat(FirewallTable.Write(topology))
            .Concat(PrometheusTargets.Write(topology))
            .Concat(Dashboards.Write(topology))
            .Concat(TerraformConfiguration.Write(topology))
            .OrderBy(file => file.Path, StringComparer.Ordinal),
        ];
    }
}
