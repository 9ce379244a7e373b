using DineHub.AppHost.Composition;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Running;
using DineHub.Topology;

namespace DineHub.Tests.Hosting;

/// <summary>A node of a running cluster.</summary>
public abstract class NodeHandle
{
    private readonly TestCluster cluster;
    private readonly ClusterNode running;

    private protected NodeHandle(TestCluster cluster, ClusterNode running, Node node)
    {
        this.cluster = cluster;
        this.running = running;
        Node = node;
    }

    /// <summary>The node in the topology.</summary>
    public Node Node { get; }

    /// <summary>Its name.</summary>
    public string Name => running.Name;

    /// <summary>What its process is doing.</summary>
    public NodeState State => running.State;

    /// <summary>Its process; null where there is none.</summary>
    public int? ProcessId => running.ProcessId;

    /// <summary>How many times it was started again after a crash.</summary>
    public int Restarts => running.Restarts;

    /// <summary>The file that its output goes to.</summary>
    public string LogFile => running.Log.Path;

    /// <summary>Starts it where it does not run, and waits until it answers.</summary>
    /// <param name="ct">Ends the wait.</param>
    public Task StartAsync(CancellationToken ct) => cluster.Supervisor.StartAsync(running, ct);

    /// <summary>Asks its process to end, and leaves it down.</summary>
    public Task StopAsync() => cluster.Supervisor.StopAsync(running, CancellationToken.None);

    /// <summary>Ends its process at once (SIGKILL), and leaves it down.</summary>
    public Task KillAsync() => cluster.Supervisor.KillAsync(running, CancellationToken.None);

    /// <summary>Ends its process at once, as a crash would: it is started again.</summary>
    public void Crash() => cluster.Supervisor.CrashAsync(running).GetAwaiter().GetResult();

    /// <summary>Halts its process and the children (SIGSTOP).</summary>
    public void Suspend() => cluster.Supervisor.SuspendAsync(running).GetAwaiter().GetResult();

    /// <summary>Lets a suspended process go on.</summary>
    public void Resume() => cluster.Supervisor.ResumeAsync(running).GetAwaiter().GetResult();
}

/// <summary>A .NET service.</summary>
public sealed class ServiceHandle : NodeHandle
{
    internal ServiceHandle(TestCluster cluster, ClusterNode running, Node node, Uri url)
        : base(cluster, running, node) => Url = url;

    /// <summary>Where it is reached.</summary>
    public Uri Url { get; }
}

/// <summary>A gateway.</summary>
public sealed class GatewayHandle : NodeHandle
{
    internal GatewayHandle(TestCluster cluster, ClusterNode running, GatewayPlace place)
        : base(cluster, running, place.Node)
    {
        Url = new Uri(FormattableString.Invariant($"https://localhost:{place.Ports.Https}"));
        HttpUrl = new Uri(ClusterLayout.Url(place.Ports.Http));
        ManagementUrl = new Uri(ClusterLayout.Url(place.Ports.Management));
    }

    /// <summary>Where customers reach it. By name: the certificate is for that.</summary>
    public Uri Url { get; }

    /// <summary>Where it redirects to HTTPS.</summary>
    public Uri HttpUrl { get; }

    /// <summary>Where health and metrics are asked for.</summary>
    public Uri ManagementUrl { get; }
}

/// <summary>A PostgreSQL server.</summary>
public sealed class ServerHandle : NodeHandle
{
    private readonly DatabaseServer server;
    private readonly string password;

    internal ServerHandle(TestCluster cluster, ClusterNode running, DatabaseServer server, string password)
        : base(cluster, running, server.Node)
    {
        this.server = server;
        this.password = password;
    }

    /// <summary>Its TCP port on 127.0.0.1.</summary>
    public int Port => server.Port;

    /// <summary>Its folder.</summary>
    public string Home => server.Home;

    /// <summary>PostgreSQL's data folder.</summary>
    public string DataDirectory => server.DataDirectory;

    /// <summary>The superuser's connection string.</summary>
    /// <param name="database">The database.</param>
    public string AdminConnectionString(string database) => server.AdminConnectionString(database, password);
}
