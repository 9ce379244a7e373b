using System.Globalization;
using DineHub.AppHost.Databases;
using DineHub.Topology;
using DineHub.Topology.Configuration;
using DineHub.Topology.Ingress;

namespace DineHub.AppHost.Composition;

/// <summary>The environment that services are started with, under the names that they have in systemd units, too.</summary>
internal static class ServiceEnvironment
{
    /// <summary>What every service is told about itself.</summary>
    /// <param name="node">The node that it runs as.</param>
    public static Dictionary<string, string> Of(Node node) => new()
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["DOTNET_ENVIRONMENT"] = "Development",
        ["DOTNET_gcServer"] = "0",
        ["DINEHUB_NODE"] = node.Name,
        ["DINEHUB_REGION"] = node.Region,
    };

    /// <summary>A replica of the API, without its connection string.</summary>
    /// <param name="backend">The node that it runs as.</param>
    /// <param name="secrets">The keys that all replicas share.</param>
    /// <param name="imagesDirectory">The folder that pictures are kept in.</param>
    public static Dictionary<string, string> OfBackend(Node backend, ClusterSecrets secrets, string imagesDirectory) => new(Of(backend))
    {
        ["Operator__Key"] = secrets.OperatorKey,
        ["DataProtection__Key"] = secrets.DataProtectionKey!,
        ["Images__Directory"] = imagesDirectory,
    };

    /// <summary>The gateway that stands for an ingress.</summary>
    /// <param name="ingress">The node that it runs as.</param>
    /// <param name="policy">How it behaves.</param>
    /// <param name="managementPort">The TCP port for health and metrics.</param>
    /// <param name="maintenanceFile">The file that puts it into maintenance while it exists.</param>
    /// <param name="backends">Its destinations, each with its URL.</param>
    public static Dictionary<string, string> OfGateway(
        Node ingress, IngressPolicy policy, int managementPort, string maintenanceFile, IEnumerable<(Node Node, string Address)> backends)
    {
        var environment = Of(ingress);
        environment[GatewaySettings.VariableOf(GatewaySettings.ManagementPort)] = Text(managementPort);
        environment[GatewaySettings.VariableOf(GatewaySettings.MaintenanceFile)] = maintenanceFile;
        foreach (var (key, value) in policy.ToSettings())
        {
            environment[GatewaySettings.VariableOf(key)] = value;
        }

        foreach (var (node, address) in backends)
        {
            var destination = $"{GatewaySettings.Destinations}:{node.Name}:";
            environment[GatewaySettings.VariableOf(destination + GatewaySettings.Address)] = address;
            environment[GatewaySettings.VariableOf(destination + GatewaySettings.MetadataRegion)] = node.Region;
        }

        return environment;
    }

    /// <summary>
    /// The cluster of databases, as the <c>db</c> verbs of DineHub.Api read it. Where a server has no standby there is none to wait for: durability is
    /// Local then.
    /// </summary>
    /// <param name="topology">The topology.</param>
    /// <param name="servers">Its servers.</param>
    /// <param name="usesCitus">Whether Citus keeps the data, or the stock engine.</param>
    /// <param name="secrets">The cluster's secrets.</param>
    /// <param name="among">Whether the reader is itself one of the servers, and reaches the others by their peer addresses.</param>
    public static Dictionary<string, string> OfDatabase(
        ClusterTopology topology, IReadOnlyList<DatabaseServer> servers, bool usesCitus, ClusterSecrets secrets, bool among = false)
    {
        var coordinator = servers.Single(server => server.Node.Role == Role.Coordinator);
        var workers = servers.Where(server => server.Node.Role == Role.Worker).ToList();
        var standbys = servers.Where(server => server.Node.Role == Role.Standby).ToList();
        var environment = new Dictionary<string, string>
        {
            ["Database__CoordinatorName"] = coordinator.Name,
            ["Database__CoordinatorRegion"] = coordinator.Node.Region,
            ["Database__Engine"] = usesCitus ? "Citus" : "Postgres",
            ["Database__Shards"] = Text(topology.Shards),
            ["Database__Durability"] = (standbys.Count <= workers.Count ? CommitDurability.Local : topology.Durability).ToString(),
            ["Database__StandbyTimeoutSeconds"] = Text(topology.StandbyTimeoutSeconds),
            ["Database__ReplicationPassword"] = secrets.ReplicationPassword!,
        };
        Locate(environment, "Database__Coordinator", coordinator, among);
        Describe(environment, "Nodes", workers, among);
        Describe(environment, "Standbys", standbys, among);
        return environment;
    }

    /// <summary>How the <c>db</c> verbs sign in, and the passwords that they give to roles.</summary>
    /// <param name="connectionString">The superuser's connection string of the coordinator.</param>
    /// <param name="secrets">The cluster's secrets.</param>
    public static Dictionary<string, string> OfAdministrator(string connectionString, ClusterSecrets secrets) => new()
    {
        ["Database__AdminConnectionString"] = connectionString,
        ["Database__ApiPassword"] = secrets.ApiPassword,
        ["Database__MigratorPassword"] = secrets.MigratorPassword!,
        ["Database__MonitorPassword"] = secrets.MonitorPassword!,
    };

    private static void Describe(Dictionary<string, string> environment, string section, List<DatabaseServer> servers, bool among)
    {
        foreach (var (i, server) in servers.Index())
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"Database__{section}__{i}__");
            environment[prefix + "Name"] = server.Name;
            environment[prefix + "Region"] = server.Node.Region;
            Locate(environment, prefix, server, among);
            if (server.Node.Follows is { } followed)
            {
                environment[prefix + "Follows"] = followed;
            }
        }
    }

    private static void Locate(Dictionary<string, string> environment, string prefix, DatabaseServer server, bool among)
    {
        var (host, port) = among && server.Peer is { } ownNetwork ? ownNetwork : (server.Host, server.Port);
        environment[prefix + "Host"] = host;
        environment[prefix + "Port"] = Text(port);
        if (!among && server.Peer is { } peer)
        {
            environment[prefix + "PeerHost"] = peer.Host;
            environment[prefix + "PeerPort"] = Text(peer.Port);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
