using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Addressing;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>The configuration of the ingresses, one file for each region: those of one region are alike.</summary>
internal static class NginxFiles
{
    public static string PathOf(string region) => $"generated/nginx/{region}.conf";

    public static IEnumerable<PublishedFile> Write(ClusterTopology topology)
    {
        var control = new NginxControl(topology.ControlDomain, ControlLink.HeadscaleAddress(topology), Ports.Headscale);
        return topology.OfRole(Role.Ingress)
            .DistinctBy(ingress => ingress.Region)
            .Select(ingress => new PublishedFile(PathOf(ingress.Region), NginxConfiguration.Write(topology.Ingress, NginxSettings.For(topology, ingress, control))));
    }
}
