using System.Globalization;
using DineHub.AppHost.Services;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>The gateway that stands for an ingress.</summary>
public sealed class GatewayNode : ServiceNode
{
    private readonly int tlsPort;
    private readonly int managementPort;
    private readonly IngressOptions options;

    internal GatewayNode(Node node, int port, int tlsPort, int managementPort, ClusterContext context, IngressOptions options)
        : base(node, port, context)
    {
        this.tlsPort = tlsPort;
        this.managementPort = managementPort;
        this.options = options;
    }

    /// <summary>Where customers reach it. By name: the certificate is for that.</summary>
    public override string Address => string.Create(CultureInfo.InvariantCulture, $"https://localhost:{tlsPort}");

    /// <summary>Where it redirects to HTTPS.</summary>
    public Uri HttpUrl => new(AddressOf(Port));

    /// <summary>Where health and metrics are asked for; the public ports do not tell.</summary>
    public Uri ManagementUrl => new(AddressOf(managementPort));

    private protected override Uri HealthUrl => new(ManagementUrl, "/health/ready");

    private protected override ProcessSpec Command()
    {
        var settings = new GatewaySettings<string>(
            managementPort.ToString(CultureInfo.InvariantCulture),
            options.MaintenanceFile,
            [.. options.Backends.Select(backend => new BackendAddress<string>(backend.Name, backend.Node.Region, backend.Address))]);
        var environment = ServiceEnvironment.OfGateway(Node, options.Topology, settings);
        environment["OTEL_SERVICE_NAME"] = "dinehub-gateway";
        environment["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"{AddressOf(Port)};https://{Host}:{tlsPort};{AddressOf(managementPort)}");
        environment["Kestrel__Certificates__Default__Path"] = options.Certificate.CertificateFile;
        environment["Kestrel__Certificates__Default__KeyPath"] = options.Certificate.KeyFile;
        return ClusterContext.DotNet(ClusterContext.GatewayAssembly, [], environment);
    }
}
