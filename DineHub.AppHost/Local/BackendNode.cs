using DineHub.AppHost.Topology;
using Npgsql;

namespace DineHub.AppHost.Local;

/// <summary>A replica of the API.</summary>
public sealed class BackendNode : ServiceNode
{
    private const int PoolSize = 20;

    private readonly PostgresNode coordinator;

    internal BackendNode(Node node, int port, ClusterContext context, PostgresNode coordinator)
        : base(node, port, context) => this.coordinator = coordinator;

    private protected override Uri HealthUrl => new(Url, "/health/ready");

    /// <summary>How the API reaches the database, as a role that owns nothing. Secret.</summary>
    internal static string ConnectionString(PostgresNode coordinator, ClusterSecrets secrets) => new NpgsqlConnectionStringBuilder
    {
        Host = LocalNode.Host,
        Port = coordinator.Port,
        Database = "dinehub",
        Username = "dinehub_api",
        Password = secrets.ApiPassword,
        MaxPoolSize = PoolSize,
    }.ConnectionString;

    private protected override ProcessSpec Command()
    {
        var environment = BaseEnvironment("dinehub-api");
        environment["ASPNETCORE_URLS"] = Address;
        environment["ConnectionStrings__dinehub"] = ConnectionString(coordinator, Context.Secrets);
        environment["Operator__Key"] = Context.Secrets.OperatorKey;
        environment["DataProtection__Key"] = Context.Secrets.DataProtectionKey!;
        environment["Images__Directory"] = Context.Directory.ImagesDirectory;
        return ClusterContext.DotNet("DineHub.Api", [], environment);
    }
}
