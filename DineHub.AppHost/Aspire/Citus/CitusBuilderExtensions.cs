using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Aspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Adds Citus clusters to an application: containers of the Citus project's own image, which register with each other when they are ready.</summary>
public static class CitusBuilderExtensions
{
    private const string Registry = "docker.io";
    private const string Image = "citusdata/citus";

    // PostgreSQL 17.
    private const string Tag = "13.0.3";
    private const string DataDirectory = "/var/lib/postgresql/data";
    private const int DefaultPoolSize = 20;

    /// <summary>Adds a cluster with no workers yet.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The coordinator's name.</param>
    /// <param name="databaseName">The database that the extension is created in.</param>
    /// <param name="password">The superuser's password; generated where none is given.</param>
    /// <param name="port">The coordinator's port on this machine; a free one where none is given.</param>
    public static IResourceBuilder<CitusClusterResource> AddCitus(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        string databaseName = "postgres",
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(databaseName);
        var parameter = password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        return builder.AddNode(new CitusClusterResource(name, databaseName, parameter), port)
            .WithIconName("DatabaseMultiple")
            .OnResourceReady((cluster, _, ct) => CitusRegistration.RegisterAsync(cluster, ct));
    }

    /// <summary>Adds workers: <c>{prefix}-1</c> and so on.</summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="prefix">What their names begin with; the cluster's name and <c>worker</c> where none is given.</param>
    /// <param name="configure">Is told of each, for what a worker needs beyond that.</param>
    public static IResourceBuilder<CitusClusterResource> WithWorkers(
        this IResourceBuilder<CitusClusterResource> builder, int count, string? prefix = null, Action<IResourceBuilder<CitusWorkerResource>>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        for (var number = 1; number <= count; number++)
        {
            var worker = builder.AddWorker(string.Create(CultureInfo.InvariantCulture, $"{prefix ?? builder.Resource.Name + "-worker"}-{number}"));
            configure?.Invoke(worker);
        }

        return builder;
    }

    /// <summary>
    /// Adds a worker. It registers with the coordinator when both are healthy; only then whoever waits for it goes on. To a cluster that has
    /// distributed tables already it is added by whoever has made their owners on it (<c>citus_add_node</c>).
    /// </summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="name">The worker's name.</param>
    public static IResourceBuilder<CitusWorkerResource> AddWorker(this IResourceBuilder<CitusClusterResource> builder, [ResourceName] string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var worker = new CitusWorkerResource(name, builder.Resource);
        builder.Resource.Add(worker);
        return builder.ApplicationBuilder.AddNode(worker, port: null)
            .WithIconName("Database")
            .OnResourceReady(async (node, ready, ct) =>
            {
                await ready.Services.GetRequiredService<ResourceNotificationService>().WaitForResourceHealthyAsync(node.Parent.Name, ct);
                await CitusRegistration.RegisterAsync(node, ct);
            });
    }

    /// <summary>Adds the cluster's database as a role sees it.</summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="name">The connection's name.</param>
    /// <param name="userName">The role.</param>
    /// <param name="password">The role's password.</param>
    /// <param name="maxPoolSize">How many connections each process may keep, at least 1.</param>
    public static IResourceBuilder<CitusDatabaseResource> AddDatabase(
        this IResourceBuilder<CitusClusterResource> builder,
        [ResourceName] string name,
        string userName,
        IResourceBuilder<ParameterResource> password,
        int maxPoolSize = DefaultPoolSize)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(userName);
        ArgumentNullException.ThrowIfNull(password);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPoolSize, 1);
        return builder.ApplicationBuilder
            .AddResource(new CitusDatabaseResource(name, builder.Resource, userName, password.Resource, maxPoolSize))
            .WithIconName("DatabasePerson");
    }

    /// <summary>Keeps the data of a node in a volume, so that it is there at the next run.</summary>
    /// <typeparam name="T">The kind of node.</typeparam>
    /// <param name="builder">The node.</param>
    /// <param name="name">The volume's name; one for this application and node where none is given.</param>
    public static IResourceBuilder<T> WithDataVolume<T>(this IResourceBuilder<T> builder, string? name = null)
        where T : CitusNodeResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), DataDirectory);
    }

    private static IResourceBuilder<T> AddNode<T>(this IDistributedApplicationBuilder builder, T node, int? port)
        where T : CitusNodeResource
    {
        var check = $"{node.Name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(check, _ => new CitusHealthCheck(node), failureStatus: null, tags: null));
        return builder.AddResource(node)
            .WithImage(Image, Tag)
            .WithImageRegistry(Registry)
            .WithEndpoint(port: port, targetPort: CitusNodeResource.Port, name: CitusNodeResource.PrimaryEndpointName)
            .WithEnvironment("POSTGRES_USER", CitusNodeResource.UserName)
            .WithEnvironment("POSTGRES_DB", node.Cluster.DatabaseName)
            .WithEnvironment(context => context.EnvironmentVariables["POSTGRES_PASSWORD"] = node.Cluster.PasswordParameter)

            // Writes to several nodes are committed in two phases; moving shards while they are written to goes by logical replication.
            .WithArgs("-c", "max_prepared_transactions=200", "-c", "wal_level=logical", "-c", "max_connections=200")
            .WithHealthCheck(check);
    }
}
