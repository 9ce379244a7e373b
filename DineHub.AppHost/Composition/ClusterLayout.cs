using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;
using DineHub.Topology;
using DineHub.Topology.Access;
using Npgsql;

namespace DineHub.AppHost.Composition;

/// <summary>Where a gateway listens, on 127.0.0.1.</summary>
/// <param name="Http">The TCP port that redirects to HTTPS.</param>
/// <param name="Https">The TCP port that customers use.</param>
/// <param name="Management">The TCP port for health and metrics.</param>
internal readonly record struct GatewayPorts(int Http, int Https, int Management);

/// <summary>A gateway on this machine.</summary>
/// <param name="Node">The ingress that it stands for.</param>
/// <param name="Ports">Where it listens.</param>
internal sealed record GatewayPlace(Node Node, GatewayPorts Ports);

/// <summary>
/// A topology laid out on this machine: folders, ports, secrets and the environment of the <c>db</c> verbs. Nothing of it is started. Headscale and
/// monitoring have no part in it.
/// </summary>
internal sealed class ClusterLayout : IDisposable
{
    private const string Localhost = "127.0.0.1";
    private const int PoolSize = 20;

    private readonly PortAllocator ports = new();

    private ClusterLayout(ClusterTopology topology, IServerKind servers)
    {
        Topology = topology;
        Kind = servers;
    }

    /// <summary>Opens the cluster's folder and allocates ports.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="options">How the cluster runs.</param>
    /// <param name="servers">The kind of database servers.</param>
    /// <param name="ct">Ends the preparation.</param>
    /// <exception cref="PrerequisiteException">Something is in the way: a port, a folder, a full disk, what an earlier run left.</exception>
    public static async Task<ClusterLayout> ToRunAsync(ClusterTopology topology, RunOptions options, IServerKind servers, CancellationToken ct)
    {
        var layout = new ClusterLayout(topology, servers);
        try
        {
            await layout.OpenAsync(options, ct);
            return layout;
        }
        catch
        {
            layout.Dispose();
            throw;
        }
    }

    /// <summary>The nodes alone, with the ports that they have on machines: no folder, no free port and no PostgreSQL is needed for that.</summary>
    /// <param name="topology">The topology.</param>
    public static ClusterLayout ToPublish(ClusterTopology topology)
    {
        var layout = new ClusterLayout(topology, new ProcessServers(postgres: null, usesCitus: false));
        layout.Place(_ => new GatewayPorts(Ports.Http, Ports.Https, Ports.Backend), () => Ports.Backend, () => Ports.Postgres, _ => "/");
        return layout;
    }

    /// <summary>The topology.</summary>
    public ClusterTopology Topology { get; }

    /// <summary>The kind of database servers.</summary>
    public IServerKind Kind { get; }

    /// <summary>The folder that the cluster keeps everything in.</summary>
    public ClusterDirectory Directory { get; private set; } = null!;

    /// <summary>The passwords and keys.</summary>
    public ClusterSecrets Secrets { get; private set; } = null!;

    /// <summary>The certificate of the gateways.</summary>
    public DevelopmentCertificate Certificate { get; private set; } = null!;

    /// <summary>The gateways.</summary>
    public IReadOnlyList<GatewayPlace> Gateways { get; private set; } = [];

    /// <summary>The replicas of the API, each with its TCP port on 127.0.0.1.</summary>
    public IReadOnlyList<(Node Node, int Port)> Backends { get; private set; } = [];

    /// <summary>All PostgreSQL servers: the coordinator, the workers, the standbys.</summary>
    public IReadOnlyList<DatabaseServer> Servers { get; private set; } = [];

    /// <summary>A worker that is not part of the topology and can be added while the cluster runs; null where the engine can't move shards.</summary>
    public DatabaseServer? Spare { get; private set; }

    /// <summary>The TCP port of the keeper of the groups' durability; null where nothing has a standby.</summary>
    public int? KeeperPort { get; private set; }

    /// <summary>The coordinator.</summary>
    public DatabaseServer Coordinator => Servers[0];

    /// <summary>The connection string of the API's role, for the coordinator. Secret.</summary>
    public string ApiConnectionString => ConnectionString(GroupOf(Coordinator));

    /// <summary>What the <c>db</c> verbs of DineHub.Api need in their environment. Secret.</summary>
    public IReadOnlyDictionary<string, string> DatabaseEnvironment => EnvironmentOf(Servers);

    /// <summary>The same with the spare worker among the workers.</summary>
    public IReadOnlyDictionary<string, string> GrownEnvironment => EnvironmentOf([.. Servers, .. Spare is null ? [] : new[] { Spare }]);

    /// <summary>What <c>db join</c> needs in its environment. Secret.</summary>
    /// <param name="server">The server that is prepared.</param>
    public IReadOnlyDictionary<string, string> JoinEnvironmentOf(DatabaseServer server) =>
        new Dictionary<string, string>(ServiceEnvironment.OfDatabase(Topology, server == Spare ? [.. Servers, server] : Servers, Kind.UsesCitus, Secrets, among: true))
        {
            ["Database__AdminConnectionString"] = Coordinator.AdminConnectionString("postgres", Secrets.PostgresPassword),
        };

    /// <summary>The connection string of the API's role for a backend: the nearest servers first, and the one that takes writes is used. Secret.</summary>
    /// <param name="region">The backend's region.</param>
    /// <remarks>
    /// On Citus any node answers, and those of other regions stand last: after a failover a region may have no primary of a worker. On the stock engine the coordinator
    /// answers. Servers that follow are passed over for as long as they do.
    /// </remarks>
    public string ConnectionStringOf(string region)
    {
        var workers = Kind.UsesCitus ? Workers().ToLookup(server => server.Node.Region == region) : null;
        return ConnectionString([.. workers?[true] ?? [], .. GroupOf(Coordinator), .. workers?[false] ?? []]);
    }

    /// <summary>The other server of a group; null where there is none.</summary>
    /// <param name="server">One server of the group.</param>
    public DatabaseServer? PartnerOf(DatabaseServer server) => Servers.FirstOrDefault(other => other != server && other.Group == server.Group);

    /// <summary>The URL that a backend is reached by.</summary>
    /// <param name="port">Its port.</param>
    public static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://{Localhost}:{port}");

    /// <summary>A client that trusts the gateways' certificate and no other; it takes no proxy and follows no redirect.</summary>
    /// <param name="url">The service.</param>
    /// <param name="deadline">How long a request may take.</param>
    public HttpClient CreateClient(Uri url, TimeSpan deadline)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(Certificate.CertificateFile);
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, SslOptions = { CertificateChainPolicy = trust } };
        return new HttpClient(handler) { BaseAddress = url, Timeout = deadline };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Directory?.Dispose();
        ports.Dispose();
    }

    private async Task OpenAsync(RunOptions options, CancellationToken ct)
    {
        // The ports first: where one is taken, the folder is left as it is.
        var http = Fixed(Topology.LocalGatewayPort, "Local:GatewayPort=9080");
        var https = Fixed(Topology.LocalGatewayTlsPort, "Local:GatewayTlsPort=9443");
        Directory = ClusterDirectory.Open(options.DataDirectory ?? ClusterDirectory.Default(), options.Fresh);
        if (!File.Exists(Directory.SecretsFile))
        {
            // Data outside the folder has passwords that are lost.
            await Kind.RemoveDataAsync(Directory, ct);
        }

        Secrets = ClusterSecrets.LoadOrCreate(Directory);
        Certificate = new DevelopmentCertificate(Directory);
        Place(i => new GatewayPorts(http[i], https[i], ports.Next()), ports.Next, ports.Next, Directory.NodeDirectory);
        await Kind.PrepareAsync(this, ct);
    }

    private void Place(Func<int, GatewayPorts> gatewayPorts, Func<int> servicePort, Func<int> serverPort, Func<string, string> home)
    {
        DatabaseServer Server(Node node) => new(node, serverPort(), home(node.Name), Kind.PeerOf(node));
        Gateways = [.. Topology.OfRole(Role.Ingress).Select((node, i) => new GatewayPlace(node, gatewayPorts(i)))];
        Backends = [.. Topology.OfRole(Role.Backend).Select(node => (node, servicePort()))];
        Servers = [.. new[] { Topology.Coordinator }.Concat(Topology.OfRole(Role.Worker)).Concat(Topology.OfRole(Role.Standby)).Select(Server)];
        Spare = Kind.UsesCitus ? Server(SpareWorker(Topology)) : null;
        KeeperPort = Topology.OfRole(Role.Standby).Any() ? servicePort() : null;
    }

    private static Node SpareWorker(ClusterTopology topology)
    {
        var workers = topology.OfRole(Role.Worker).ToList();
        var name = string.Create(CultureInfo.InvariantCulture, $"db-worker-{workers.Count + 1}");
        return workers[0] with { Name = name, Region = topology.Coordinator.Region, Fqdn = $"{name}.{topology.MeshDomain}" };
    }

    private IEnumerable<DatabaseServer> Workers() => Servers.Where(server => server.Group != Coordinator.Name).OrderBy(server => server.Node.Role);

    private IEnumerable<DatabaseServer> GroupOf(DatabaseServer home) => Servers.Where(server => server.Group == home.Name);

    private string ConnectionString(IEnumerable<DatabaseServer> servers) => new NpgsqlConnectionStringBuilder
    {
        Host = string.Join(',', servers.Select(server => server.Address)),
        Database = "dinehub",
        Username = "dinehub_api",
        Password = Secrets.ApiPassword,
        MaxPoolSize = PoolSize,
    }.ConnectionString;

    private Dictionary<string, string> EnvironmentOf(IReadOnlyList<DatabaseServer> servers)
    {
        var environment = ServiceEnvironment.OfDatabase(Topology, servers, Kind.UsesCitus, Secrets);
        foreach (var (name, value) in ServiceEnvironment.OfAdministrator(Coordinator.AdminConnectionString("postgres", Secrets.PostgresPassword), Secrets)
            .Concat(Kind.EnvironmentOf(servers, Directory, Secrets)))
        {
            environment[name] = value;
        }

        return environment;
    }

    private List<int> Fixed(int first, string otherPorts)
    {
        var gateways = Topology.OfRole(Role.Ingress).ToList();
        if (first == 0)
        {
            return [.. gateways.Select(_ => ports.Next())];
        }

        var fixedPorts = gateways.Select((_, i) => first + i).ToList();
        foreach (var (gateway, port) in gateways.Zip(fixedPorts).Where(pair => !PortAllocator.IsFree(pair.Second)))
        {
            throw new PrerequisiteException(
                $"Port {port} of 127.0.0.1, which {gateway.Name} is to listen on, is taken.",
                $"Stop the program that has it ('ss -ltnp sport = :{port}' shows it), or choose other ports: --set {otherPorts}.");
        }

        return fixedPorts;
    }
}
