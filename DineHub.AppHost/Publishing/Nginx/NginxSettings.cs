using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>A backend as nginx reaches it.</summary>
/// <param name="Name">Its name: <c>backend-eu-1</c>.</param>
/// <param name="Region">Its region.</param>
/// <param name="Host">Its DNS name or IP address.</param>
/// <param name="Port">Its port, 1 to 65535.</param>
public sealed record NginxBackend(string Name, string Region, string Host, int Port);

/// <summary>The mesh's control server, which is behind the ingress as nodes must reach it before they are on the mesh.</summary>
/// <param name="ServerName">The public name that nodes ask for: <c>control.dinehub.example</c>.</param>
/// <param name="Host">Where nginx reaches it: a DNS name or IP address.</param>
/// <param name="Port">Its port, 1 to 65535.</param>
public sealed record NginxControl(string ServerName, string Host, int Port);

/// <summary>What nginx' configuration needs to know of a machine beside the policy.</summary>
public sealed record NginxSettings
{
    /// <summary>The oldest nginx that <see cref="For"/> writes for: the first with <c>resolve</c> for the servers of an upstream.</summary>
    public static Version MachineVersion { get; } = new(1, 27, 3);

    /// <summary>The region that the ingress stands in; its backends are asked first.</summary>
    public required string Region { get; init; }

    /// <summary>The backends of all regions, at least one.</summary>
    public required IReadOnlyList<NginxBackend> Backends { get; init; }

    /// <summary>The certificate with its chain, PEM: an absolute path, as all files here.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Its key, PEM.</summary>
    public required string CertificateKeyFile { get; init; }

    /// <summary>While this file is there, every request is answered by 503.</summary>
    public required string MaintenanceFile { get; init; }

    /// <summary>The version of nginx, which decides how HTTP/2 is switched on (1.25.1), and whether names are looked up again (1.27.3).</summary>
    public required Version Version { get; init; }

    /// <summary>The port for HTTP, 1 to 65535.</summary>
    public int HttpPort { get; init; } = Ports.Http;

    /// <summary>The port for HTTPS, 1 to 65535.</summary>
    public int HttpsPort { get; init; } = Ports.Https;

    /// <summary>The IP addresses to listen on.</summary>
    public IReadOnlyList<string> ListenAddresses { get; init; } = ["0.0.0.0", "::"];

    /// <summary>The DNS names that it goes by. It answers to others as well: who asks by address gets the same.</summary>
    public IReadOnlyList<string> ServerNames { get; init; } = [];

    /// <summary>The IP address for health and numbers; never one that is reached from outside.</summary>
    public string ManagementAddress { get; init; } = "127.0.0.1";

    /// <summary>The port for health (<c>/health</c>) and numbers (<c>/nginx_status</c>), 1 to 65535.</summary>
    public int ManagementPort { get; init; } = 9114;

    /// <summary>The folder whose <c>.well-known/acme-challenge</c> holds the answers to ACME challenges (RFC 8555); null for none.</summary>
    public string? AcmeRoot { get; init; }

    /// <summary>
    /// The IP address of the name server that backends' names are looked up at while nginx runs. Null: names are looked up when it
    /// starts, and it does not start where one is unknown.
    /// </summary>
    public string? Resolver { get; init; }

    /// <summary>The mesh's control server; null for none.</summary>
    public NginxControl? Control { get; init; }

    /// <summary>Where a line of JSON for each request goes: a file, or <c>syslog:server=unix:/dev/log</c>, which is the journal. Null: nowhere.</summary>
    public string? AccessLog { get; init; }

    /// <summary>The folder for bodies that memory does not hold; null for the one that nginx was built with.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>The settings of an ingress of a deployment, with the paths of <c>nix/modules/ingress.nix</c>.</summary>
    /// <param name="topology">The deployment.</param>
    /// <param name="ingress">One of its ingresses.</param>
    /// <param name="control">The mesh's control server, as this machine reaches it; null where it does not relay to it.</param>
    /// <exception cref="ArgumentException">The node is no ingress of the deployment.</exception>
    public static NginxSettings For(ClusterTopology topology, Node ingress, NginxControl? control = null)
    {
        ArgumentNullException.ThrowIfNull(topology);
        ArgumentNullException.ThrowIfNull(ingress);
        if (!topology.OfRole(Role.Ingress).Contains(ingress))
        {
            throw new ArgumentException($"'{ingress.Name}' is not an ingress of '{topology.Name}'.", nameof(ingress));
        }

        return new NginxSettings
        {
            Region = ingress.Region,
            Backends = [.. topology.OfRole(Role.Backend).Select(backend => new NginxBackend(backend.Name, backend.Region, backend.Fqdn, Ports.Backend))],
            ServerNames = [topology.Domain],
            CertificateFile = $"/var/lib/acme/{topology.Domain}/fullchain.pem",
            CertificateKeyFile = $"/var/lib/acme/{topology.Domain}/key.pem",
            AcmeRoot = "/var/lib/acme/acme-challenge",
            MaintenanceFile = "/var/lib/dinehub-ingress/maintenance",
            Resolver = "100.100.100.100",
            Control = control,
            AccessLog = "syslog:server=unix:/dev/log",
            Version = MachineVersion,
        };
    }
}
