using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using DineHub.AppHost.Services;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>How a local cluster runs.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>The folder that it keeps everything in; null for this checkout's own.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Whether to start over with empty databases.</summary>
    public bool Fresh { get; init; }

    /// <summary>What to restore from backups before the start: a time with its offset, a restore point's name, or <c>latest</c>; null for nothing.</summary>
    public string? RestoreTo { get; init; }

    /// <summary>Whether to remove the folder in the end.</summary>
    public bool DeleteData { get; init; }

    /// <summary>Whether to add the example restaurants that are missing.</summary>
    public bool Seed { get; init; } = true;

    /// <summary>Which engine keeps the data: <c>Auto</c>, <c>Citus</c> or <c>Postgres</c>.</summary>
    public string Engine { get; init; } = "Auto";

    /// <summary>Whether to have the gateways' certificate trusted by this user's programs.</summary>
    public bool TrustCertificate { get; init; }

    /// <summary>Is told of each node whose state has changed, from any thread.</summary>
    public Action<LocalNode>? OnStateChanged { get; init; }

    /// <summary>Gets each line of output with its node's name, from any thread.</summary>
    public Action<string, string>? OnOutput { get; init; }
}

/// <summary>
/// A topology as processes on this machine: PostgreSQL servers with their standbys, backends and gateways. Headscale and monitoring have no
/// part in it. Serves the <c>up</c> verb, tests, drills and benchmarks.
/// </summary>
public sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan ClientDeadline = TimeSpan.FromSeconds(60);

    private readonly PortAllocator ports = new();
    private readonly LocalClusterOptions options;
    private readonly ClusterDirectory directory;
    private readonly ClusterContext context;
    private readonly DevelopmentCertificate certificate;
    private readonly Lock stateFile = new();
    private bool ready;

    /// <summary>Checks what the cluster needs and lays it out; nothing is started yet.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="options">How it runs.</param>
    /// <exception cref="PrerequisiteException">Something is missing or in the way.</exception>
    public LocalCluster(ClusterTopology topology, LocalClusterOptions options)
    {
        ArgumentNullException.ThrowIfNull(topology);
        ArgumentNullException.ThrowIfNull(options);
        if (OperatingSystem.IsWindows())
        {
            throw new PrerequisiteException("A local cluster does not run on Windows itself.", "Run it inside WSL 2: 'wsl --install'.");
        }

        this.options = options;
        Topology = topology;
        var postgres = PostgresInstallation.Find();
        if (!postgres.HasCitus && !postgres.HasForeignDataWrapper)
        {
            throw new PrerequisiteException(
                $"The PostgreSQL in '{postgres.BinDirectory}' has neither Citus nor postgres_fdw.",
                "Install its contrib modules: 'sudo apt-get install postgresql-contrib' (Debian, Ubuntu), 'sudo dnf install postgresql-contrib' (Fedora).");
        }

        var httpPorts = GatewayPorts(topology, topology.LocalGatewayPort, "Local:GatewayPort=9080");
        var tlsPorts = GatewayPorts(topology, topology.LocalGatewayTlsPort, "Local:GatewayTlsPort=9443");
        directory = ClusterDirectory.Open(options.DataDirectory ?? ClusterDirectory.Default(), options.Fresh);
        var citus = postgres.HasCitus && options.Engine != "Postgres";
        context = new ClusterContext(directory, ClusterSecrets.LoadOrCreate(directory), postgres, citus, OnStateChanged, options.OnOutput);

        PostgresNode Database(Node node) => new(node, ports.Next(), context);
        Coordinator = Database(topology.Coordinator);
        Workers = [.. topology.OfRole(Role.Worker).Select(Database)];
        Standbys = [.. topology.OfRole(Role.Standby).Select(Database)];
        foreach (var standby in Standbys)
        {
            standby.Partner = Databases.First(primary => primary.Name == standby.Node.Follows);
            standby.Partner.Partner = standby;
        }

        Backends = [.. topology.OfRole(Role.Backend).Select(node => new BackendNode(node, ports.Next(), context, NearestFirst(node, citus)))];
        certificate = new DevelopmentCertificate(context);
        var ingress = new IngressOptions(topology, certificate, directory.MaintenanceFile, Backends);
        Gateways = [.. topology.OfRole(Role.Ingress).Select((node, i) => new GatewayNode(node, httpPorts[i], tlsPorts[i], ports.Next(), context, ingress))];
        Keepers = Standbys.Count == 0 ? [] : [new KeeperNode(topology.Coordinator, ports.Next(), context, () => DatabaseEnvironment)];
        Nodes = [.. Gateways, .. Backends, .. Databases, .. Keepers];
        context.DatabaseEnvironment = DescribeDatabases();
        Directory.CreateDirectory(directory.BackupsDirectory);
        context.PostgresUser?.Own(directory.BackupsDirectory);
    }

    /// <summary>The topology.</summary>
    public ClusterTopology Topology { get; }

    /// <summary>The nodes that run here.</summary>
    public IReadOnlyList<LocalNode> Nodes { get; }

    /// <summary>The coordinator.</summary>
    public PostgresNode Coordinator { get; }

    /// <summary>The workers.</summary>
    public IReadOnlyList<PostgresNode> Workers { get; }

    /// <summary>The standbys, in the order of their primaries.</summary>
    public IReadOnlyList<PostgresNode> Standbys { get; }

    /// <summary>All PostgreSQL servers: the coordinator, the workers, the standbys.</summary>
    public IEnumerable<PostgresNode> Databases => [Coordinator, .. Workers, .. Standbys];

    /// <summary>What keeps the groups' durability; empty where nothing has a standby.</summary>
    public IReadOnlyList<KeeperNode> Keepers { get; }

    /// <summary>The replicas of the API.</summary>
    public IReadOnlyList<BackendNode> Backends { get; }

    /// <summary>The gateways.</summary>
    public IReadOnlyList<GatewayNode> Gateways { get; }

    /// <summary>The folder that it keeps everything in.</summary>
    public string DataDirectory => directory.Root;

    /// <summary>The certificate of the gateways, PEM; for <c>curl --cacert</c>.</summary>
    public string CertificateFile => certificate.CertificateFile;

    /// <summary>While this file exists, the gateways answer 503 to everything.</summary>
    public string MaintenanceFile => directory.MaintenanceFile;

    /// <summary>The file that holds the operators' key, readable by its owner only.</summary>
    public string OperatorKeyFile => directory.OperatorKeyFile;

    /// <summary>The operators' key. Secret.</summary>
    public string OperatorKey => context.Secrets.OperatorKey;

    /// <summary>How the API reaches the database. Secret.</summary>
    public string ApiConnectionString => BackendNode.ConnectionString(GroupOf(Coordinator), context.Secrets);

    /// <summary>
    /// The file with <see cref="DatabaseEnvironment"/> for a shell, readable by its owner only, while the cluster is ready.
    /// </summary>
    public string DatabaseEnvironmentFile => directory.DatabaseEnvironmentFile;

    /// <summary>What the <c>db</c> verbs of DineHub.Api need in their environment. Secret.</summary>
    public IReadOnlyDictionary<string, string> DatabaseEnvironment => new Dictionary<string, string>(context.DatabaseEnvironment.Concat(Administrator))
    {
        ["Database__Backups__Directory"] = directory.BackupsDirectory,
        ["Database__Backups__Passphrase"] = context.Secrets.BackupPassphrase!,
        ["Database__BinDirectory"] = context.Postgres.BinDirectory,
    };

    /// <summary>The node of a name.</summary>
    /// <param name="name">The name in the topology.</param>
    /// <exception cref="ArgumentException">No node of that name runs here.</exception>
    public LocalNode Node(string name) =>
        Nodes.FirstOrDefault(node => node.Name == name)
        ?? throw new ArgumentException($"No node '{name}' runs here; there are {string.Join(", ", Nodes.Select(node => node.Name))}.", nameof(name));

    /// <summary>The first gateway of a region.</summary>
    /// <param name="region">The region's name.</param>
    public GatewayNode Gateway(string region) => Gateways.First(gateway => gateway.Node.Region == region);

    /// <summary>A client of a service that trusts the gateways' certificate, and no other; it takes no proxy and follows no redirect.</summary>
    /// <param name="url">Where the service is.</param>
    public HttpClient CreateClient(Uri url)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(CertificateFile);
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, SslOptions = { CertificateChainPolicy = trust } };
        return new HttpClient(handler) { BaseAddress = url, Timeout = ClientDeadline };
    }

    /// <summary>Starts everything, what is independent side by side, and waits until all of it is ready.</summary>
    /// <param name="ct">Cancels the start; what was started is stopped then.</param>
    /// <exception cref="NodeFailedException">A node did not start.</exception>
    /// <exception cref="PrerequisiteException">Something is missing or in the way.</exception>
    public Task StartAsync(CancellationToken ct) => StartAsync(options.RestoreTo, ct);

    /// <summary>Runs a <c>db</c> verb of DineHub.Api against this cluster; its output goes to the log <c>db-{verb}.log</c>.</summary>
    /// <param name="verb">The verb: migrate, seed, status, promote …</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="arguments">What follows the verb.</param>
    /// <exception cref="NodeFailedException">It failed.</exception>
    public async Task DatabaseVerbAsync(string verb, CancellationToken ct, params string[] arguments)
    {
        using var log = context.OpenLog("db-" + verb);
        await Tool.RunAsync("db-" + verb, $"'DineHub.Api db {verb}'", ClusterContext.DotNet("DineHub.Api", ["db", verb, .. arguments], DatabaseEnvironment), log, ct);
    }

    /// <summary>Stops everything, restores all databases, and starts again.</summary>
    /// <param name="target">A time with its offset, a restore point's name, or <c>latest</c>.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="NodeFailedException">No backup leads there, or a server did not recover; the message says why.</exception>
    public async Task RestoreAsync(string target, CancellationToken ct)
    {
        await StopAsync();
        await StartAsync(target, ct);
    }

    /// <summary>Promotes a group's standby, as <c>db promote</c> does, and waits until nothing of the old primary runs as such.</summary>
    /// <param name="group">The group: <c>db-worker-2</c>.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="consent"><c>--lost</c>, <c>--accept-loss</c>.</param>
    /// <exception cref="NodeFailedException">It was refused, or failed; the message says why.</exception>
    public Task PromoteAsync(string group, CancellationToken ct, params string[] consent) => DatabaseVerbAsync("promote", ct, [group, .. consent]);

    /// <summary>Stops everything in order: gateways, backends, databases. Each has seconds; what takes longer is killed.</summary>
    public async Task StopAsync()
    {
        ready = false;
        foreach (var layer in StopOrder())
        {
            await Task.WhenAll(layer.Select(node => node.StopAsync()));
        }
    }

    /// <summary>Kills everything at once.</summary>
    public Task KillAsync() => Task.WhenAll(Nodes.Select(node => node.KillAsync()));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        File.Delete(directory.StateFile);
        File.Delete(directory.DatabaseEnvironmentFile);
        if (options.DeleteData)
        {
            directory.Delete();
        }
        else
        {
            directory.Dispose();
        }

        ports.Dispose();
    }

    private async Task StartAsync(string? restoreTo, CancellationToken ct)
    {
        try
        {
            if (restoreTo is not null)
            {
                await RestoreDataAsync(restoreTo, ct);
            }

            // A standby that has data tells a former primary whether it still is one; one that has none is copied from a primary that is set up.
            var known = Databases.Where(server => server.Node.Follows is null || server.HasData).ToList();
            await AllAsync(known.Select<PostgresNode, Func<CancellationToken, Task>>(node => node.StartAsync).Append(EnsureCertificateAsync), ct);
            await DatabaseVerbAsync("migrate", ct);
            Func<CancellationToken, Task>[] seed = options.Seed ? [token => DatabaseVerbAsync("seed", token)] : [];
            var others = Databases.Except(known).Concat<LocalNode>(Backends).Concat(Gateways).Concat(Keepers);
            await AllAsync([.. seed, .. others.Select<LocalNode, Func<CancellationToken, Task>>(node => node.StartAsync)], ct);
            ready = true;
            WriteState();
            ClusterDirectory.WriteForOwner(
                directory.DatabaseEnvironmentFile, string.Concat(DatabaseEnvironment.Select(pair => $"{pair.Key}='{pair.Value}'\n")));
        }
        catch
        {
            await StopAsync();
            throw;
        }
    }

    private Dictionary<string, string> Administrator => ServiceEnvironment.OfAdministrator(new DatabasePasswords<string>(
        Coordinator.AdminConnectionString("postgres"), context.Secrets.ApiPassword, context.Secrets.MigratorPassword!, context.Secrets.MonitorPassword!));

    private Task EnsureCertificateAsync(CancellationToken ct) => certificate.EnsureAsync(options.TrustCertificate, ct);

    private async Task RestoreDataAsync(string target, CancellationToken ct)
    {
        foreach (var server in Databases)
        {
            server.MakeHome();
        }

        await DatabaseVerbAsync("restore", ct, "--to", target);
    }

    // A primary that stops sends its standby everything first: so that comes last.
    private IEnumerable<IEnumerable<LocalNode>> StopOrder() =>
        [Gateways, [.. Backends, .. Keepers], Databases.Where(server => !server.IsStandby), Databases.Where(server => server.IsStandby)];

    private static IEnumerable<PostgresNode> GroupOf(PostgresNode server) => server.Partner is null ? [server] : [server, server.Partner];

    // On Citus any node answers; on the stock engine the coordinator does. Whoever follows is passed over for as long as it does.
    private IReadOnlyList<PostgresNode> NearestFirst(Node backend, bool citus)
    {
        var coordinators = GroupOf(Coordinator);
        var workers = citus ? Workers.Concat(Standbys.Where(standby => standby.Node.Follows != Coordinator.Name)).Where(server => server.Node.Region == backend.Region) : [];
        return [.. workers, .. coordinators];
    }

    // The topology as the verbs read it, and what 'db join' signs in by.
    private Dictionary<string, string> DescribeDatabases()
    {
        var environment = ServiceEnvironment.OfDatabase(Topology, new DatabaseSettings<string>(
            Describe(Coordinator), [.. Workers.Select(Describe)], [.. Standbys.Select(Describe)], options.Engine, context.Secrets.ReplicationPassword!));
        foreach (var (i, server) in Databases.Index())
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"Database__Servers__{i}__");
            environment[prefix + "Name"] = server.Name;
            environment[prefix + "DataDirectory"] = server.DataDirectory;
        }

        return environment;
    }

    private static DatabaseServer<string> Describe(PostgresNode server) =>
        new(server.Node, LocalNode.Host, server.Port.ToString(CultureInfo.InvariantCulture));

    private List<int> GatewayPorts(ClusterTopology topology, int first, string otherPorts)
    {
        var gateways = topology.OfRole(Role.Ingress).ToList();
        if (first == 0)
        {
            return [.. gateways.Select(_ => ports.Next())];
        }

        var fixedPorts = gateways.Select((_, i) => first + i).ToList();
        foreach (var (gateway, port) in gateways.Zip(fixedPorts).Where(pair => !PortAllocator.IsFree(pair.Second)))
        {
            ports.Dispose();
            throw new PrerequisiteException(
                $"Port {port} of 127.0.0.1, which {gateway.Name} is to listen on, is taken.",
                $"Stop whoever has it ('ss -ltnp sport = :{port}' shows who), or choose other ports: --set {otherPorts}.");
        }

        return fixedPorts;
    }

    /// <summary>Does all at the same time; the first failure cancels the others and is the one that is thrown.</summary>
    private static async Task AllAsync(IEnumerable<Func<CancellationToken, Task>> actions, CancellationToken ct)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Exception? first = null;
        await Task.WhenAll(actions.Select(async action =>
        {
            try
            {
                await action(failed.Token);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref first, e, null);
                await failed.CancelAsync();
            }
        }));
        if (first is not null)
        {
            ct.ThrowIfCancellationRequested();
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }

    private void OnStateChanged(LocalNode node)
    {
        if (ready)
        {
            WriteState();
        }

        options.OnStateChanged?.Invoke(node);
    }

    // For tools and people beside the running cluster; it goes away with it.
    private void WriteState()
    {
        var state = new ClusterState(
            Environment.ProcessId, [.. Nodes.Select(node => new NodeSummary(node.Name, node.State, node.ProcessId, node.Address, node.LogFile, node.Restarts))]);
        lock (stateFile)
        {
            File.WriteAllText(directory.StateFile + ".new", JsonSerializer.Serialize(state, LocalJson.Default.ClusterState));
            File.Move(directory.StateFile + ".new", directory.StateFile, overwrite: true);
        }
    }
}
