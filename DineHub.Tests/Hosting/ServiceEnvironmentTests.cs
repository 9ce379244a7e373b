using DineHub.AppHost.Composition;
using DineHub.AppHost.Databases;
using DineHub.Database.Cluster;
using DineHub.Topology;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Hosting;

/// <summary>The environment that services are started with.</summary>
public sealed class ServiceEnvironmentTests
{
    private static readonly ClusterTopology Topology = ReferenceTopology.Load();

    private static readonly ClusterSecrets Secrets = new("postgres", "api", "operator", "protection", "migrator", "monitor", "replication", "backup");

    [Fact]
    public void A_backend_knows_its_node_and_region_and_gets_what_all_replicas_share()
    {
        var environment = ServiceEnvironment.OfBackend(Node("backend-us-2"), Secrets, "/images");
        environment["DINEHUB_NODE"].ShouldBe("backend-us-2");
        environment["DINEHUB_REGION"].ShouldBe("us-east-1");
        environment["Operator__Key"].ShouldBe("operator");
        environment["DataProtection__Key"].ShouldBe("protection");
        environment["Images__Directory"].ShouldBe("/images");
    }

    [Fact]
    public void A_gateway_accepts_its_environment_as_its_configuration()
    {
        var environment = ServiceEnvironment.OfGateway(Node("ingress-eu-1"), Topology.Ingress, 9001, "/maintenance", [(Node("backend-us-1"), "http://localhost:5001")]);
        var configuration = Configuration(environment);
        DineHub.Gateway.GatewayApplication.ConfigurationErrors(configuration).ShouldBeEmpty();
        configuration["Maintenance:File"].ShouldBe("/maintenance");
        configuration["ReverseProxy:Clusters:backends:Destinations:backend-us-1:Metadata:Region"].ShouldBe("us-east-1");
        foreach (var (key, value) in Topology.Ingress.ToSettings())
        {
            configuration[key].ShouldBe(value);
        }
    }

    [Fact]
    public void Database_verbs_read_what_the_topology_says()
    {
        var options = Options(
        [
            Server("db-coordinator", 5001), Server("db-worker-1", 5002), Server("db-worker-2", 5003), Server("db-worker-3", 5004),
            Server("db-coordinator-standby", 5005), Server("db-worker-1-standby", 5006), Server("db-worker-2-standby", 5007), Server("db-worker-3-standby", 5008),
        ]);
        options.Coordinator.ShouldBe(new("db-coordinator", "eu-west-1", "127.0.0.1", 5001));
        options.Workers.Select(worker => worker.Region).ShouldBe(["eu-west-1", "us-east-1", "eu-west-1"]);
        options.Standbys.Select(standby => standby.Follows).ShouldBe(["db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3"]);
        options.Durability.ShouldBe(DineHub.Database.Cluster.Durability.Standby);
        options.Shards.ShouldBe(32);
        options.Passwords.Keys.Order().ShouldBe(["dinehub_api", "dinehub_migrator", "dinehub_monitor", "dinehub_replication"]);
    }

    [Fact]
    public void Containers_have_names_among_themselves_and_without_standbys_nothing_waits_for_one()
    {
        DatabaseServer[] servers =
        [
            Server("db-coordinator", 40001) with { Peer = ("db-coordinator", 5432) },
            Server("db-worker-1", 40002) with { Peer = ("db-worker-1", 5432) },
        ];
        var options = Options(servers);
        options.Coordinator.Port.ShouldBe(40001);
        (options.Coordinator.PeerHost, options.Coordinator.PeerPort).ShouldBe(("db-coordinator", 5432));
        (options.Workers[0].Host, options.Workers[0].Port).ShouldBe(("127.0.0.1", 40002));
        (options.Workers[0].PeerHost, options.Workers[0].PeerPort).ShouldBe(("db-worker-1", 5432));
        options.Durability.ShouldBe(DineHub.Database.Cluster.Durability.Local);

        var inside = Options(servers, among: true);
        (inside.Workers[0].Host, inside.Workers[0].Port).ShouldBe(("db-worker-1", 5432));
    }

    private static DatabaseOptions Options(DatabaseServer[] servers, bool among = false) => DatabaseOptions.Read(Configuration(
        ServiceEnvironment.OfDatabase(Topology, servers, usesCitus: false, Secrets, among)
            .Concat(ServiceEnvironment.OfAdministrator("Host=127.0.0.1;Port=1;Username=postgres", Secrets))));

    private static DatabaseServer Server(string name, int port) => new(Node(name), port, "/");

    private static Node Node(string name) => Topology.Nodes.Single(node => node.Name == name);

    private static IConfiguration Configuration(IEnumerable<KeyValuePair<string, string>> environment) => new ConfigurationBuilder()
        .AddInMemoryCollection(environment.Select(pair => KeyValuePair.Create<string, string?>(pair.Key.Replace("__", ":", StringComparison.Ordinal), pair.Value)))
        .Build();
}
