using System.Globalization;
using DineHub.AppHost.Services;
using DineHub.AppHost.Topology;
using Npgsql;

namespace DineHub.AppHost.Local;

/// <summary>A replica of the API.</summary>
public sealed class BackendNode : ServiceNode
{
    private const int PoolSize = 20;

    private readonly IReadOnlyList<PostgresNode> databases;

    internal BackendNode(Node node, int port, ClusterContext context, IReadOnlyList<PostgresNode> databases)
        : base(node, port, context) => this.databases = databases;

    private protected override Uri HealthUrl => new(Url, "/health/ready");

    /// <summary>How the API reaches the database, as a role that owns nothing. Secret.</summary>
    /// <param name="databases">The servers to try, the nearest first; the first one that takes writes is used.</param>
    /// <param name="secrets">The cluster's secrets.</param>
    internal static string ConnectionString(IEnumerable<PostgresNode> databases, ClusterSecrets secrets) => new NpgsqlConnectionStringBuilder
    {
        Host = string.Join(',', databases.Select(server => string.Create(CultureInfo.InvariantCulture, $"{LocalNode.Host}:{server.Port}"))),
        Database = "dinehub",
        Username = "dinehub_api",
        Password = secrets.ApiPassword,
        MaxPoolSize = PoolSize,
    }.ConnectionString;

    private protected override ProcessSpec Command()
    {
        var secrets = Context.Secrets;
        var settings = new BackendSettings<string>(secrets.OperatorKey, secrets.DataProtectionKey!, Context.Directory.ImagesDirectory);
        var environment = ServiceEnvironment.OfBackend(Node, settings);
        environment["OTEL_SERVICE_NAME"] = "dinehub-api";
        environment["ASPNETCORE_URLS"] = Address;
        environment["ConnectionStrings__dinehub"] = ConnectionString(databases, secrets);
        return ClusterContext.DotNet("DineHub.Api", [], environment);
    }
}
