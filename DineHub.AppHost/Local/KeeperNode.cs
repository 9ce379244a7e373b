using DineHub.AppHost.Services;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>
/// Keeps the durability of all groups and measures replication. A machine of the topology runs one beside its own server; here one process does
/// it for all.
/// </summary>
public sealed class KeeperNode : ServiceNode
{
    private readonly Func<IReadOnlyDictionary<string, string>> databaseEnvironment;

    internal KeeperNode(Node coordinator, int port, ClusterContext context, Func<IReadOnlyDictionary<string, string>> databaseEnvironment)
        : base(coordinator with { Name = "db-keeper" }, port, context) => this.databaseEnvironment = databaseEnvironment;

    private protected override Uri HealthUrl => new(Url, "/health/ready");

    private protected override ProcessSpec Command()
    {
        var environment = ServiceEnvironment.Of<string>(Node);
        environment["OTEL_SERVICE_NAME"] = "dinehub-keeper";
        environment["ASPNETCORE_URLS"] = Address;
        foreach (var (name, value) in databaseEnvironment())
        {
            environment[name] = value;
        }

        return ClusterContext.DotNet("DineHub.Api", ["db", "keep"], environment);
    }
}
