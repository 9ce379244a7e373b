using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Local;
using DineHub.AppHost.Services;
using DineHub.AppHost.Topology;
using Projects;

namespace DineHub.AppHost.Aspire;

/// <summary>
/// Puts the resources together, by the same topology as the local run: Citus in containers, the migration and the example restaurants, backends
/// and gateways of each region. Headscale and monitoring have no part in it.
/// </summary>
/// <param name="builder">The application.</param>
/// <param name="topology">The topology.</param>
internal sealed class ClusterComposition(IDistributedApplicationBuilder builder, ClusterTopology topology)
{
    private const string DatabaseName = "dinehub";
    private const string ApiRole = "dinehub_api";
    private const string Http = "http";
    private const string Https = "https";
    private const string Management = "management";
    private const string Ready = "/health/ready";

    // What 'db promote' leaves in the data folder of a primary that it ends (DineHub.Database, Fence.File).
    private const string Fence = "dinehub.fenced";

    private readonly ClusterPasswords passwords = new(builder);
    private readonly string folder = ClusterDirectory.Default() + "-aspire";

    /// <summary>Adds everything to the application.</summary>
    public void Compose()
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
            {
                ContainerRuntime.Find(builder.Configuration);
                return Task.CompletedTask;
            });
        }

        var citus = AddDatabases();
        if (builder.ExecutionContext.IsRunMode)
        {
            AddStandbys(citus);
        }

        var database = citus.AddDatabase(DatabaseName, ApiRole, passwords.Api);
        var migrate = AddVerb(citus, "db-migrate", citus.Resource.Workers, "db", "migrate").WaitFor(citus).WithIconName("DatabaseArrowUp");
        foreach (var worker in citus.Resource.Workers)
        {
            migrate.WaitFor(builder.CreateResourceBuilder(worker));
        }

        var workers = citus.Resource.Workers.ToList();
        AddVerb(citus, "db-seed", workers, "db", "seed").WaitForCompletion(migrate).WithIconName("DatabaseArrowDown");
        if (builder.ExecutionContext.IsRunMode)
        {
            AddSpareWorker(citus, workers);
        }

        var backends = topology.Regions.Select(region => (Region: region, Resource: AddBackends(region, database, migrate))).ToList();
        foreach (var (i, region) in topology.Regions.Index())
        {
            AddGateway(region, i, backends);
        }
    }

    private IResourceBuilder<CitusClusterResource> AddDatabases()
    {
        var workers = topology.OfRole(Role.Worker).ToDictionary(node => node.Name);
        return builder.AddCitus(topology.Coordinator.Name, DatabaseName, passwords.Postgres)
            .WithDataVolume()
            .WithKillCommand()
            .WithTopologyNodes(GroupOf(topology.Coordinator))
            .WithWorkers(workers.Count, "db-worker", worker => worker.WithDataVolume().WithKillCommand().WithTopologyNodes(GroupOf(workers[worker.Resource.Name])));
    }

    // Nothing waits for them, nor for their keeper: what else there is runs without them.
    private void AddStandbys(IResourceBuilder<CitusClusterResource> citus)
    {
        var nodes = citus.Resource.Workers.Prepend<CitusNodeResource>(citus.Resource).ToDictionary(node => node.Name);
        var workers = citus.Resource.Workers.ToList();
        foreach (var node in topology.OfRole(Role.Standby))
        {
            var home = builder.CreateResourceBuilder(nodes[node.Follows!]);
            home.AddStandby(node.Name, Fence).WithKillCommand().ExcludeFromManifest();
            home.WithPromoteCommand(() => DatabaseEnvironment(citus, workers));
        }

        if (nodes.Values.Any(node => node.Standby is not null))
        {
            AddProject<DineHub_Api>("db-keeper")
                .WithArgs("db", "keep")
                .WithHttpEndpoint(name: Http)
                .WithHttpHealthCheck(Ready, endpointName: Http)
                .WithUrlForEndpoint(Http, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
                .WithEnvironment(context => Add(
                    context, ServiceEnvironment.Of<object>(topology.Coordinator with { Name = "db-keeper" }).Concat(DatabaseEnvironment(citus, workers))))
                .WithParentRelationship(citus)
                .WithKillCommand()
                .WithIconName("DatabaseSearch")
                .ExcludeFromManifest();
        }
    }

    // In what is published the standby is a machine, too, although no resource.
    private Node[] GroupOf(Node primary) => [primary, .. topology.OfRole(Role.Standby).Where(standby => standby.Follows == primary.Name)];

    private void AddSpareWorker(IResourceBuilder<CitusClusterResource> citus, List<CitusWorkerResource> workers)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"db-worker-{workers.Count + 1}");
        var spare = citus.AddWorker(name).WithDataVolume().WithKillCommand().WithExplicitStart().ExcludeFromManifest();
        var join = AddVerb(citus, $"db-add-{name}", [.. workers, spare.Resource], "db", "add", name).WithExplicitStart().WithIconName("DatabaseArrowRight");
        citus.WithAddWorkerCommand(spare, join);
    }

    /// <summary>A verb of DineHub.Api, run to its end.</summary>
    private IResourceBuilder<ProjectResource> AddVerb(
        IResourceBuilder<CitusClusterResource> citus, string name, IReadOnlyList<CitusWorkerResource> workers, params string[] arguments)
    {
        // Now: a worker that is added later is none of this verb's.
        var environment = DatabaseEnvironment(citus, workers);
        return AddProject<DineHub_Api>(name)
            .WithArgs(arguments)
            .WithEnvironment(context => Add(context, environment))
            .WithParentRelationship(citus)
            .ExcludeFromManifest();
    }

    private IEnumerable<KeyValuePair<string, object>> DatabaseEnvironment(
        IResourceBuilder<CitusClusterResource> citus, IReadOnlyList<CitusWorkerResource> workers)
    {
        var settings = new DatabaseSettings<object>(
            Server(citus.Resource, topology.Coordinator),
            [.. workers.Select(worker => Server(worker, NodeOf(worker)))],
            [.. workers.Prepend<CitusNodeResource>(citus.Resource).Select(node => node.Standby).OfType<CitusStandbyResource>()
                .Select(standby => Server(standby, topology.Nodes.First(node => node.Name == standby.Name)))],
            "Citus",
            passwords.Replication.Resource);
        var administrator = new DatabasePasswords<object>(
            citus.Resource.AdministratorExpression, passwords.Api.Resource, passwords.Migrator.Resource, passwords.Monitor.Resource);
        return ServiceEnvironment.OfDatabase(topology, settings).Concat(ServiceEnvironment.OfAdministrator(administrator));
    }

    // A spare worker is none of the topology's; it stands beside the coordinator.
    private Node NodeOf(CitusWorkerResource worker) =>
        topology.Nodes.FirstOrDefault(node => node.Name == worker.Name)
        ?? topology.OfRole(Role.Worker).First() with { Name = worker.Name, Region = topology.Coordinator.Region };

    private static DatabaseServer<object> Server(CitusNodeResource resource, Node node) => new(
        node,
        resource.PrimaryEndpoint.Property(EndpointProperty.Host),
        resource.PrimaryEndpoint.Property(EndpointProperty.Port),
        (resource.Name, CitusNodeResource.Port));

    private IResourceBuilder<ProjectResource> AddBackends(
        Region region, IResourceBuilder<CitusDatabaseResource> database, IResourceBuilder<ProjectResource> migrate)
    {
        var nodes = topology.OfRole(Role.Backend).Where(node => node.Region == region.Name).ToList();
        var name = $"backend-{region.Alias}";
        var settings = new BackendSettings<object>(passwords.OperatorKey.Resource, passwords.DataProtectionKey.Resource, Path.Combine(folder, "images"));
        return AddProject<DineHub_Api>(name)
            .WithReplicas(nodes.Count)
            .WithHttpEndpoint(name: Http)
            .WithHttpHealthCheck(Ready, endpointName: Http)
            .WithReference(database)
            .WaitForCompletion(migrate)
            .WithEnvironment(context => Add(context, ServiceEnvironment.OfBackend(nodes[0] with { Name = name }, settings)))
            .WithUrlForEndpoint(Http, url => url.DisplayText = "API")
            .WithUrlForEndpoint(Http, _ => new ResourceUrlAnnotation { Url = "/openapi/v1.json", DisplayText = "OpenAPI" })
            .WithKillCommand()
            .WithTopologyNodes(nodes)
            .WithIconName("Server");
    }

    private void AddGateway(Region region, int number, IReadOnlyList<(Region Region, IResourceBuilder<ProjectResource> Resource)> backends)
    {
        var nodes = topology.OfRole(Role.Ingress).Where(node => node.Region == region.Name).ToList();
        var name = $"gateway-{region.Alias}";
        var gateway = AddProject<DineHub_Gateway>(name)
            .WithHttpEndpoint(port: Port(topology.LocalGatewayPort, number), name: Http)
            .WithHttpsEndpoint(port: Port(topology.LocalGatewayTlsPort, number), name: Https)
            .WithHttpEndpoint(name: Management)
            .WithExternalHttpEndpoints()
            .WithEndpoint(Management, endpoint => endpoint.IsExternal = false, createIfNotExists: false)
            .WithHttpHealthCheck(Ready, endpointName: Management)
            .WithUrlForEndpoint(Https, url => url.DisplayText = $"Order ({region.Name})")
            .WithUrlForEndpoint(Http, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithUrlForEndpoint(Management, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .OnBeforeResourceStarted((_, _, ct) => AspNetCoreCertificate.EnsureAsync(ct))
            .WithSampleOrderCommand()
            .WithKillCommand()
            .WithTopologyNodes(nodes)
            .WithIconName("ArrowRouting");
        var settings = new GatewaySettings<object>(
            gateway.GetEndpoint(Management).Property(EndpointProperty.TargetPort),
            Path.Combine(folder, "maintenance"),
            [.. backends.Select(backend => new BackendAddress<object>(backend.Resource.Resource.Name, backend.Region.Name, backend.Resource.GetEndpoint(Http)))]);
        gateway.WithEnvironment(context => Add(context, ServiceEnvironment.OfGateway(nodes[0] with { Name = name }, topology, settings)));
        foreach (var backend in backends)
        {
            gateway.WaitFor(backend.Resource);
            if (backend.Region == region)
            {
                backend.Resource.WithParentRelationship(gateway);
            }
        }
    }

    // Forwarded headers are the services' own business: what Aspire turns on by default would have a gateway believe clients.
    private IResourceBuilder<ProjectResource> AddProject<T>(string name)
        where T : IProjectMetadata, new() =>
        builder.AddProject<T>(name, options => options.ExcludeLaunchProfile = true).DisableForwardedHeaders();

    private static void Add(EnvironmentCallbackContext context, IEnumerable<KeyValuePair<string, object>> environment)
    {
        foreach (var (name, value) in environment)
        {
            context.EnvironmentVariables[name] = value;
        }
    }

    private static int? Port(int first, int number) => first == 0 ? null : first + number;
}
