using System.Globalization;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Services;

/// <summary>
/// The environment that services are started with, by the names that they get from the local run, from Aspire and from systemd. Values are
/// <see cref="string"/>, or under Aspire <see cref="object"/>: what is known only when the resource that it refers to has started.
/// </summary>
internal static class ServiceEnvironment
{
    /// <summary>What every service is told of itself.</summary>
    /// <param name="node">The node that it runs as.</param>
    public static Dictionary<string, T> Of<T>(Node node)
        where T : class => new()
        {
            ["ASPNETCORE_ENVIRONMENT"] = Text<T>("Development"),
            ["DOTNET_ENVIRONMENT"] = Text<T>("Development"),
            ["DOTNET_gcServer"] = Text<T>("0"),
            ["DINEHUB_NODE"] = Text<T>(node.Name),
            ["DINEHUB_REGION"] = Text<T>(node.Region),
        };

    /// <summary>A replica of the API.</summary>
    /// <param name="backend">The node that it runs as.</param>
    /// <param name="settings">What all replicas share.</param>
    public static Dictionary<string, T> OfBackend<T>(Node backend, BackendSettings<T> settings)
        where T : class => new(Of<T>(backend))
        {
            ["Operator__Key"] = settings.OperatorKey,
            ["DataProtection__Key"] = settings.DataProtectionKey,
            ["Images__Directory"] = Text<T>(settings.ImagesDirectory),
        };

    /// <summary>The gateway that stands for an ingress.</summary>
    /// <param name="ingress">The node that it runs as.</param>
    /// <param name="topology">The topology.</param>
    /// <param name="settings">What this gateway is told.</param>
    public static Dictionary<string, T> OfGateway<T>(Node ingress, ClusterTopology topology, GatewaySettings<T> settings)
        where T : class
    {
        var environment = Of<T>(ingress);
        environment["Management__Port"] = settings.ManagementPort;
        environment["Maintenance__File"] = Text<T>(settings.MaintenanceFile);
        foreach (var (key, value) in topology.Ingress.ToSettings())
        {
            environment[key.Replace(":", "__", StringComparison.Ordinal)] = Text<T>(value);
        }

        foreach (var backend in settings.Backends)
        {
            var destination = $"ReverseProxy__Clusters__backends__Destinations__{backend.Name}__";
            environment[destination + "Address"] = backend.Address;
            environment[destination + "Metadata__Region"] = Text<T>(backend.Region);
        }

        return environment;
    }

    /// <summary>The cluster of databases, as the <c>db</c> verbs of DineHub.Api read it.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="settings">Where its servers are, and how they are signed in to.</param>
    public static Dictionary<string, T> OfDatabase<T>(ClusterTopology topology, DatabaseSettings<T> settings)
        where T : class
    {
        var coordinator = settings.Coordinator;
        var environment = new Dictionary<string, T>
        {
            ["Database__CoordinatorName"] = Text<T>(coordinator.Node.Name),
            ["Database__CoordinatorRegion"] = Text<T>(coordinator.Node.Region),
            ["Database__Engine"] = Text<T>(settings.Engine),
            ["Database__Shards"] = Number<T>(topology.Shards),
            ["Database__Durability"] = Text<T>((settings.Standbys.Count <= settings.Workers.Count ? Durability.Local : topology.Durability).ToString()),
            ["Database__StandbyTimeoutSeconds"] = Number<T>(topology.StandbyTimeoutSeconds),
            ["Database__ReplicationPassword"] = settings.ReplicationPassword,
        };
        Locate(environment, "Database__Coordinator", coordinator);
        Describe(environment, "Nodes", settings.Workers);
        Describe(environment, "Standbys", settings.Standbys);
        return environment;
    }

    /// <summary>How the <c>db</c> verbs sign in, and the passwords that they give to roles.</summary>
    public static Dictionary<string, T> OfAdministrator<T>(DatabasePasswords<T> passwords)
        where T : class => new()
        {
            ["Database__AdminConnectionString"] = passwords.AdminConnectionString,
            ["Database__ApiPassword"] = passwords.Api,
            ["Database__MigratorPassword"] = passwords.Migrator,
            ["Database__MonitorPassword"] = passwords.Monitor,
        };

    private static void Describe<T>(Dictionary<string, T> environment, string section, IReadOnlyList<DatabaseServer<T>> servers)
        where T : class
    {
        foreach (var (i, server) in servers.Index())
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"Database__{section}__{i}__");
            environment[prefix + "Name"] = Text<T>(server.Node.Name);
            environment[prefix + "Region"] = Text<T>(server.Node.Region);
            Locate(environment, prefix, server);
            if (server.Node.Follows is { } followed)
            {
                environment[prefix + "Follows"] = Text<T>(followed);
            }
        }
    }

    private static void Locate<T>(Dictionary<string, T> environment, string prefix, DatabaseServer<T> server)
        where T : class
    {
        environment[prefix + "Host"] = server.Host;
        environment[prefix + "Port"] = server.Port;
        if (server.Peer is { } peer)
        {
            environment[prefix + "PeerHost"] = Text<T>(peer.Host);
            environment[prefix + "PeerPort"] = Number<T>(peer.Port);
        }
    }

    private static T Number<T>(int number)
        where T : class => Text<T>(number.ToString(CultureInfo.InvariantCulture));

    private static T Text<T>(string text)
        where T : class => (T)(object)text;
}
