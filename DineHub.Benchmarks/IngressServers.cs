using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Tests.Processes;
using DineHub.Topology;
using DineHub.Topology.Ingress;

namespace DineHub.Benchmarks;

/// <summary>Both kinds of ingress in front of one backend, each a process as it is on a laptop and on a machine.</summary>
internal sealed partial class IngressServers : IAsyncDisposable
{
    private const string Region = "here";

    // No client is ever refused: the limits are counted all the same.
    private static readonly IngressPolicy Policy = new() { ClientLimit = new RateLimit(PerMinute: 1_000_000, Burst: 100_000) };

    private readonly string folder;
    private readonly PortAllocator ports = new();
    private readonly List<Server> servers = [];
    private readonly string nginx = Programs.Find("nginx", "nginx-light");
    private readonly SelfSigned certificate;
    private readonly int backendPort;

    private IngressServers(string folder)
    {
        this.folder = folder;
        certificate = SelfSigned.Create(folder);
        backendPort = ports.Next();
    }

    /// <summary>The backend itself, by HTTPS.</summary>
    public Server Direct { get; private set; } = null!;

    /// <summary>nginx with the generated configuration.</summary>
    public Server Nginx { get; private set; } = null!;

    public static async Task<IngressServers> StartAsync(string folder, CancellationToken ct)
    {
        var servers = new IngressServers(folder);
        try
        {
            await servers.StartBackendAsync(ct);
            await servers.StartNginxAsync(ct);
            return servers;
        }
        catch
        {
            await servers.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts one more gateway, with environment variables beside what a local cluster gives it.</summary>
    public async Task<Server> StartGatewayAsync(IReadOnlyDictionary<string, string> variables, CancellationToken ct)
    {
        var (http, https, management) = (ports.Next(), ports.Next(), ports.Next());
        var ingress = new Node("gateway", Role.Ingress, Region, InstanceType: "", Fqdn: "");
        var backend = ingress with { Name = "backend", Role = Role.Backend };
        var environment = new Dictionary<string, string>(
            ServiceEnvironment.OfGateway(ingress, Policy, management, MaintenanceFile, [(backend, $"http://{At(backendPort)}")]))
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = $"http://{At(http)};https://{At(https)};http://{At(management)}",
            ["Kestrel__Certificates__Default__Path"] = certificate.CertificateFile,
            ["Kestrel__Certificates__Default__KeyPath"] = certificate.KeyFile,
        };
        var spec = BuiltGateway.Run([], environment);
        var all = spec.Environment.Where(pair => !variables.ContainsKey(pair.Key)).Concat(variables);
        return Keep(await Server.StartAsync(spec with { Environment = new Dictionary<string, string>(all) }, https, ct));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }

        ports.Dispose();
    }

    private string MaintenanceFile => Path.Combine(folder, "maintenance");

    private async Task StartBackendAsync(CancellationToken ct)
    {
        var tlsPort = ports.Next();
        var own = Path.Combine(folder, "backend");
        Direct = Keep(await Server.StartNginxAsync(nginx, own, FixedBackend.Prepare(own, backendPort, tlsPort, certificate), tlsPort, ct));
    }

    private async Task StartNginxAsync(CancellationToken ct)
    {
        var own = Path.Combine(folder, "nginx");
        var settings = new NginxSettings
        {
            Version = await NginxVersionAsync(ct),
            Region = Region,
            Backends = [new NginxBackend("backend", Region, "127.0.0.1", backendPort)],
            ListenAddresses = ["127.0.0.1"],
            HttpPort = ports.Next(),
            HttpsPort = ports.Next(),
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            MaintenanceFile = MaintenanceFile,
            ManagementPort = ports.Next(),
            TemporaryFolder = own,
        };
        Nginx = Keep(await Server.StartNginxAsync(nginx, own, NginxConfiguration.Write(Policy, settings), settings.HttpsPort, ct));
    }

    private async Task<Version> NginxVersionAsync(CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(nginx, ["-v"]) { RedirectStandardError = true })!;
        var said = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return Version.Parse(VersionPattern().Match(said).Value);
    }

    private Server Keep(Server server)
    {
        servers.Add(server);
        return server;
    }

    private static string At(int port) => string.Create(CultureInfo.InvariantCulture, $"{"127.0.0.1"}:{port}");

    [GeneratedRegex(@"\d+\.\d+\.\d+")]
    private static partial Regex VersionPattern();
}
