using System.Globalization;
using DineHub.Topology.Configuration;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>What an ingress is started with.</summary>
internal sealed record IngressSetup(
    IngressPolicy Policy,
    string Region,
    IReadOnlyList<ScriptedBackend> Backends,
    int HttpPort,
    int HttpsPort,
    int ManagementPort,
    TestCertificate Certificate,
    string MaintenanceFile,
    string Directory)
{
    /// <summary>The gateway's command line.</summary>
    public string[] ToArguments() =>
    [
        string.Create(CultureInfo.InvariantCulture, $"--urls=http://127.0.0.1:{HttpPort};https://127.0.0.1:{HttpsPort};http://127.0.0.1:{ManagementPort}"),
        string.Create(CultureInfo.InvariantCulture, $"--Management:Port={ManagementPort}"),
        $"--Kestrel:Certificates:Default:Path={Certificate.CertificateFile}",
        $"--Kestrel:Certificates:Default:KeyPath={Certificate.KeyFile}",
        $"--Maintenance:File={MaintenanceFile}",
        $"--DINEHUB_REGION={Region}",
        "--environment=Production",
        "--Logging:LogLevel:Default=None",
        .. Policy.ToSettings().Select(setting => $"--{setting.Key}={setting.Value}"),
        .. Backends.SelectMany(backend => new[]
        {
            string.Create(CultureInfo.InvariantCulture, $"--ReverseProxy:Clusters:backends:Destinations:{backend.Name}:Address=http://127.0.0.1:{backend.Port}"),
            $"--ReverseProxy:Clusters:backends:Destinations:{backend.Name}:Metadata:Region={backend.Region}",
        }),
    ];
}
