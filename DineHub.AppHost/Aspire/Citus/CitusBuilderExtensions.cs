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

    // Where both servers of a group find them.
    private const string ScriptFolder = "/usr/local/share";
    private const string NotesFolder = "/var/lib/citus";
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

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

    /// <summary>
    /// Adds a standby, which keeps its data in a volume: a copy of the node, and a stream of what is written there. Nothing waits for it. A promotion
    /// (<c>pg_promote</c>) is noted down in a volume that both see; a server that was the primary becomes the other one's standby when it is started again.
    /// </summary>
    /// <typeparam name="T">The kind of node.</typeparam>
    /// <param name="builder">The coordinator or worker.</param>
    /// <param name="name">The standby's name, which is its <c>application_name</c> as it streams, and names its slot.</param>
    /// <param name="fence">
    /// A file in the data folder that says of a primary that it was ended so that its standby takes over: with that it does not start as one again.
    /// </param>
    /// <returns>The standby.</returns>
    public static IResourceBuilder<CitusStandbyResource> AddStandby<T>(this IResourceBuilder<T> builder, [ResourceName] string name, string fence)
        where T : CitusNodeResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(fence);
        if (builder.Resource is CitusStandbyResource || builder.Resource.Standby is not null)
        {
            throw new InvalidOperationException($"'{builder.Resource.Name}' is a standby, or has one already.");
        }

        var standby = new CitusStandbyResource(name, builder.Resource);
        builder.Resource.Standby = standby;
        var notes = VolumeNameGenerator.Generate(builder, "notes");
        builder.InGroup(builder.Resource, standby, notes, fence);
        return builder.ApplicationBuilder.AddNode(standby, port: null)
            .WithIconName("DatabaseLink")
            .WithDataVolume()
            .InGroup(builder.Resource, builder.Resource, notes, fence);
    }

    // The script decides what the server is to be, and then does what the image would have done by itself.
    private static IResourceBuilder<T> InGroup<T>(this IResourceBuilder<T> builder, CitusNodeResource home, CitusNodeResource peer, string notes, string fence)
        where T : CitusNodeResource => builder
            .WithContainerFiles(ScriptFolder, [Embedded("citus-node.sh"), Embedded("pg_hba.conf")])
            .WithEntrypoint("/bin/sh")
            .WithArgs(context =>
            {
                context.Args.Insert(0, ScriptFolder + "/citus-node.sh");
                context.Args.Insert(1, "docker-entrypoint.sh");
                context.Args.Insert(2, "postgres");
            })
            .WithArgs(
                "-c", $"hba_file={ScriptFolder}/pg_hba.conf",

                // A standby that has gone is seen within seconds, keeps no more WAL than the disk can hold, and comes back soon.
                "-c", "wal_sender_timeout=5s", "-c", "wal_receiver_timeout=5s", "-c", "wal_retrieve_retry_interval=1s", "-c", "max_slot_wal_keep_size=1GB")
            .WithEnvironment("CITUS_NODE", builder.Resource.Name)
            .WithEnvironment("CITUS_GROUP", home.Name)
            .WithEnvironment("CITUS_PEER", peer.Name)
            .WithEnvironment("CITUS_PEER_PORT", CitusNodeResource.Port.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("CITUS_NOTES", NotesFolder)
            .WithEnvironment("CITUS_PASSFILE", "/var/lib/postgresql/.citus.pgpass")
            .WithEnvironment("CITUS_FENCE", fence)
            .WithVolume(notes, NotesFolder);

    private static ContainerFile Embedded(string name)
    {
        using var reader = new StreamReader(typeof(CitusBuilderExtensions).Assembly.GetManifestResourceStream(name)!);
        return new ContainerFile { Name = name, Contents = reader.ReadToEnd(), Mode = Readable };
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
