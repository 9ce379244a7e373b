using System.Globalization;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>The gateway that stands for an ingress.</summary>
public sealed class GatewayNode : ServiceNode
{
    private readonly int managementPort;
    private readonly IReadOnlyList<BackendNode> backends;

    internal GatewayNode(Node node, int port, int managementPort, ClusterContext context, IReadOnlyList<BackendNode> backends)
        : base(node, port, context)
    {
        this.managementPort = managementPort;
        this.backends = backends;
    }

    // Where its health is asked for; the public port does not tell.
    private string ManagementAddress => AddressOf(managementPort);

    private protected override Uri HealthUrl => new(ManagementAddress + "/health/ready");

    private protected override ProcessSpec Command()
    {
        var environment = BaseEnvironment("dinehub-gateway");
        environment["ASPNETCORE_URLS"] = $"{Address};{ManagementAddress}";
        environment["Management__Port"] = managementPort.ToString(CultureInfo.InvariantCulture);
        foreach (var backend in backends)
        {
            var destination = $"ReverseProxy__Clusters__backends__Destinations__{backend.Name}__";
            environment[destination + "Address"] = backend.Address;
            environment[destination + "Metadata__Region"] = backend.Node.Region;
        }

        return ClusterContext.DotNet("DineHub.Gateway", [], environment);
    }
}
