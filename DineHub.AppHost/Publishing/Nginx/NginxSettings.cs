using System.Text.RegularExpressions;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>A backend that nginx sends requests to.</summary>
/// <param name="Region">Its region.</param>
/// <param name="Host">Its name on the mesh, or its address.</param>
/// <param name="Port">Its port, 1 to 65535.</param>
public sealed record NginxBackend(string Region, string Host, int Port);

/// <summary>Headscale behind an ingress: what nodes reach before they are on the mesh.</summary>
/// <param name="Domain">The name that nodes know it by: <c>control.dinehub.example</c>.</param>
/// <param name="Address">Where it listens, on the link of its own: <c>10.99.0.1:8080</c>.</param>
/// <param name="CertificateFile">The certificate of the name, PEM, with its chain.</param>
/// <param name="CertificateKeyFile">Its key, PEM.</param>
public sealed record NginxControl(string Domain, string Address, string CertificateFile, string CertificateKeyFile);

/// <summary>What an nginx of a deployment is told beside the policy. Its texts are checked, so that none brings a directive of its own into the configuration.</summary>
public sealed partial record NginxSettings
{
    /// <summary>The version that reads the configuration; nixpkgs' mainline unless told otherwise. From 1.25.1 on HTTP/2 is a directive, from 1.27.3 on names are looked up again.</summary>
    public Version Version { get; init; } = new(1, 29);

    /// <summary>The region that the ingress stands in.</summary>
    public required string Region { get; init; }

    /// <summary>Every backend of the deployment, one at least.</summary>
    public required IReadOnlyList<NginxBackend> Backends { get; init; }

    /// <summary>The addresses that it listens on: all, of IPv4 and IPv6, unless told otherwise.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = ["0.0.0.0", "[::]"];

    /// <summary>The port for HTTP, which redirects.</summary>
    public int HttpPort { get; init; } = Ports.Http;

    /// <summary>The port for HTTPS.</summary>
    public int HttpsPort { get; init; } = Ports.Https;

    /// <summary>The certificate, PEM, with its chain.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Its key, PEM.</summary>
    public required string CertificateKeyFile { get; init; }

    /// <summary>While this file exists, everything is 503.</summary>
    public required string MaintenanceFile { get; init; }

    /// <summary>Where it tells its state, and whether it lives: <c>127.0.0.1:8081</c>; never on a public address.</summary>
    public required string ManagementAddress { get; init; }

    /// <summary>The folder that ACME challenges are answered from; null for none.</summary>
    public string? AcmeFolder { get; init; }

    /// <summary>Who looks up the backends' names; null where they are addresses.</summary>
    public string? Resolver { get; init; }

    /// <summary>Headscale, where this ingress relays to it.</summary>
    public NginxControl? Control { get; init; }

    /// <summary>The folder for bodies that do not fit into memory; null for nginx' own.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>The settings of an ingress of a topology, as a machine.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="ingress">The ingress.</param>
    public static NginxSettings Of(ClusterTopology topology, Node ingress)
    {
        ArgumentNullException.ThrowIfNull(topology);
        ArgumentNullException.ThrowIfNull(ingress);
        return new NginxSettings
        {
            Region = ingress.Region,
            Backends = [.. topology.OfRole(Role.Backend).Select(backend => new NginxBackend(backend.Region, backend.Fqdn, Ports.Backend))],
            CertificateFile = $"/var/lib/acme/{topology.Domain}/fullchain.pem",
            CertificateKeyFile = $"/var/lib/acme/{topology.Domain}/key.pem",
            MaintenanceFile = "/var/lib/dinehub-ingress/maintenance",
            ManagementAddress = "127.0.0.1:8081",
            AcmeFolder = "/var/lib/acme/acme-challenge",
            Resolver = "100.100.100.100",
        };
    }

    /// <summary>Whether backends' names are looked up again while nginx runs.</summary>
    internal bool LooksUpAgain => Resolver is not null && Version >= new Version(1, 27, 3);

    /// <summary>Checks every text.</summary>
    /// <exception cref="ArgumentException">One cannot stand in a configuration.</exception>
    internal void Check()
    {
        Require(Backends.Count > 0, "There is no backend.");
        foreach (var path in new[] { CertificateFile, CertificateKeyFile, MaintenanceFile, AcmeFolder, TemporaryFolder, Control?.CertificateFile, Control?.CertificateKeyFile })
        {
            Require(path is null || PathPattern().IsMatch(path), $"'{path}' is not an absolute path of letters, digits, '.', '_', '-' and '/'.");
        }

        foreach (var name in Backends.Select(backend => backend.Host).Concat(Addresses).Append(Resolver).Append(Control?.Domain))
        {
            Require(name is null || HostPattern().IsMatch(name), $"'{name}' is neither a host name nor an address.");
        }

        foreach (var address in new[] { ManagementAddress, Control?.Address })
        {
            Require(address is null || AddressPattern().IsMatch(address), $"'{address}' is not of the form host:port.");
        }
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new ArgumentException(message);
        }
    }

    [GeneratedRegex("^/[A-Za-z0-9._/-]+$(?!\n)")]
    private static partial Regex PathPattern();

    [GeneratedRegex(@"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])$(?!\n)")]
    private static partial Regex HostPattern();

    [GeneratedRegex(@"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$(?!\n)")]
    private static partial Regex AddressPattern();
}
