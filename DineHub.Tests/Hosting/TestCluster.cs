using Aspire.Hosting;
using Aspire.Hosting.Testing;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Topology;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace DineHub.Tests.Hosting;

/// <summary>The AppHost, started by Aspire.Hosting.Testing as <c>dotnet run</c> starts it, and its nodes by name.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan ClientDeadline = TimeSpan.FromSeconds(60);

    private readonly IDistributedApplicationTestingBuilder builder;
    private readonly ClusterLayout layout;
    private DistributedApplication? app;
    private bool isStarted;

    private TestCluster(IDistributedApplicationTestingBuilder builder)
    {
        this.builder = builder;
        layout = Registered<ClusterLayout>();
        var nodes = Registered<ClusterNodes>();
        Backends = [.. layout.Backends.Select(backend => new ServiceHandle(this, nodes.Get(backend.Node.Name), backend.Node, new Uri(ClusterLayout.Url(backend.Port))))];
        Gateways = [.. layout.Gateways.Select(gateway => new GatewayHandle(this, nodes.Get(gateway.Node.Name), gateway))];
        Databases = [.. layout.Servers.Select(server => new ServerHandle(this, nodes.Get(server.Name), server, layout.Secrets.PostgresPassword))];
        Keepers = layout.KeeperPort is { } port
            ? [new ServiceHandle(this, nodes.Get("db-keeper"), layout.Topology.Coordinator with { Name = "db-keeper" }, new Uri(ClusterLayout.Url(port)))]
            : [];
        Nodes = [.. Gateways, .. Backends, .. Databases, .. Keepers];
    }

    /// <summary>The topology.</summary>
    public ClusterTopology Topology => layout.Topology;

    /// <summary>The nodes that run here.</summary>
    public IReadOnlyList<NodeHandle> Nodes { get; }

    /// <summary>The replicas of the API.</summary>
    public IReadOnlyList<ServiceHandle> Backends { get; }

    /// <summary>The gateways.</summary>
    public IReadOnlyList<GatewayHandle> Gateways { get; }

    /// <summary>All PostgreSQL servers: the coordinator, the workers, the standbys.</summary>
    public IReadOnlyList<ServerHandle> Databases { get; }

    /// <summary>The keeper of the groups' durability; empty where nothing has a standby.</summary>
    public IReadOnlyList<ServiceHandle> Keepers { get; }

    /// <summary>The coordinator.</summary>
    public ServerHandle Coordinator => Databases[0];

    /// <summary>The workers.</summary>
    public IReadOnlyList<ServerHandle> Workers => [.. Databases.Where(server => server.Node.Role == Role.Worker)];

    /// <summary>The folder that it keeps everything in.</summary>
    public string DataDirectory => layout.Directory.Root;

    /// <summary>The certificate of the gateways, PEM.</summary>
    public string CertificateFile => layout.Certificate.CertificateFile;

    /// <summary>While this file exists, the gateways answer 503 to everything.</summary>
    public string MaintenanceFile => layout.Directory.MaintenanceFile;

    /// <summary>The operators' key.</summary>
    public string OperatorKey => layout.Secrets.OperatorKey;

    /// <summary>The API's connection string for the coordinator.</summary>
    public string ApiConnectionString => layout.ApiConnectionString;

    /// <summary>What a replica of the API needs in its environment besides its connection string.</summary>
    public IReadOnlyDictionary<string, string> BackendEnvironment =>
        ServiceEnvironment.OfBackend(Backends[0].Node, layout.Secrets, layout.Directory.ImagesDirectory);

    /// <summary>What the <c>db</c> verbs need in their environment.</summary>
    public IReadOnlyDictionary<string, string> DatabaseEnvironment => layout.DatabaseEnvironment;

    /// <summary>The started application.</summary>
    internal DistributedApplication Application => app ?? throw new InvalidOperationException("The cluster is not started.");

    internal NodeSupervisor Supervisor => Application.Services.GetRequiredService<NodeSupervisor>();

    /// <summary>Composes a cluster in a folder; nothing is started yet.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="engine">The engine: <c>auto</c>, <c>citus</c>, <c>postgres</c>.</param>
    /// <param name="settings">What differs from the reference topology; gateways take free ports.</param>
    public static Task<TestCluster> CreateAsync(string folder, string engine, params IEnumerable<(string Key, string Value)> settings) =>
        CreateAsync(folder, engine, postgresDirectory: null, settings);

    /// <inheritdoc cref="CreateAsync(string, string, IEnumerable{ValueTuple{string, string}})"/>
    /// <param name="folder">Its folder.</param>
    /// <param name="engine">The engine: <c>auto</c>, <c>citus</c>, <c>postgres</c>.</param>
    /// <param name="postgresDirectory">The folder of PostgreSQL's programs; null for that of the environment.</param>
    /// <param name="settings">What differs from the reference topology; gateways take free ports.</param>
    public static async Task<TestCluster> CreateAsync(string folder, string engine, string? postgresDirectory, IEnumerable<(string Key, string Value)> settings)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.DineHub_AppHost>(
            [
                "--data", folder, "--engine", engine,
                .. new[] { ("Local:GatewayPort", "0"), ("Local:GatewayTlsPort", "0") }.Concat(settings).SelectMany(setting => new[] { "--set", $"{setting.Item1}={setting.Item2}" }),
            ],
            (_, host) =>
            {
                if (postgresDirectory is not null)
                {
                    host.Args = [.. host.Args ?? [], $"--{PostgresInstallation.DirectoryVariable}={postgresDirectory}"];
                }
            });

        // Every cluster of a run would write to the tests' own output.
        builder.Services.AddSingleton(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }));
        builder.Services.AddLogging(logging => logging.ClearProviders());
        return new TestCluster(builder);
    }

    /// <summary>Starts everything and waits until all of it is ready.</summary>
    /// <exception cref="NodeFailedException">A node did not start.</exception>
    public async Task StartAsync()
    {
        app = await builder.BuildAsync();
        await app.Services.GetRequiredService<ClusterStart>().Ready;
        isStarted = true;
    }

    /// <summary>The node of a name.</summary>
    /// <param name="name">The name in the topology.</param>
    /// <exception cref="ArgumentException">No node of that name runs here.</exception>
    public NodeHandle Node(string name)
    {
        var node = Registered<ClusterNodes>().Get(name);
        return Nodes.Single(handle => handle.Name == node.Name);
    }

    /// <summary>The first gateway of a region.</summary>
    /// <param name="region">The region's name.</param>
    public GatewayHandle Gateway(string region) => Gateways.First(gateway => gateway.Node.Region == region);

    /// <summary>A client of a service that trusts the gateways' certificate, and no other; it takes no proxy and follows no redirect.</summary>
    /// <param name="url">The service.</param>
    public HttpClient CreateClient(Uri url) => layout.CreateClient(url, ClientDeadline);

    /// <summary>Runs a <c>db</c> verb; its output goes to the log <c>db-{verb}.log</c>.</summary>
    /// <param name="verb">The verb: migrate, seed, status, promote …</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="arguments">What follows the verb.</param>
    /// <exception cref="NodeFailedException">It failed.</exception>
    public Task DatabaseVerbAsync(string verb, CancellationToken ct, params string[] arguments) =>
        Application.Services.GetRequiredService<DatabaseVerb>().RunAsync([verb, .. arguments], ct);

    /// <summary>Promotes a group's standby, as <c>db promote</c> does.</summary>
    /// <param name="group">The group: <c>db-worker-2</c>.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="consent"><c>--lost</c>, <c>--accept-loss</c>.</param>
    /// <exception cref="NodeFailedException">It was refused, or failed.</exception>
    public Task PromoteAsync(string group, CancellationToken ct, params string[] consent) => DatabaseVerbAsync("promote", ct, [group, .. consent]);

    /// <summary>Stops all nodes, restores all databases, and starts the nodes again.</summary>
    /// <param name="target">A time with its offset, a restore point's name, or <c>latest</c>.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task RestoreAsync(string target, CancellationToken ct)
    {
        await Supervisor.StopAllAsync(ct);
        await layout.Kind.PrepareAsync(layout, ct);
        await DatabaseVerbAsync("restore", ct, "--to", target);
        await Supervisor.StartAllAsync(ct);
    }

    /// <summary>Stops all nodes in order. A cluster whose start has failed is stopped already.</summary>
    public Task StopAsync() => isStarted ? Supervisor.StopAllAsync(CancellationToken.None) : Task.CompletedTask;

    /// <summary>Kills all nodes at once.</summary>
    public Task KillAsync() => Supervisor.KillAllAsync(CancellationToken.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The AppHost itself disposes of its application when it has stopped.
        await builder.DisposeAsync();
    }

    private T Registered<T>() => (T)builder.Services.Last(service => service.ServiceType == typeof(T)).ImplementationInstance!;
}
