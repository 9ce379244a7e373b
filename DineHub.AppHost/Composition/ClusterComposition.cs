using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Running;
using DineHub.Topology;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Projects;

namespace DineHub.AppHost.Composition;

/// <summary>
/// Puts the resources together, one for each node of the topology under its name there: database servers with their standbys, the migration and the
/// example restaurants, the keeper, backends and gateways.
/// </summary>
/// <param name="builder">The application.</param>
/// <param name="layout">The cluster.</param>
internal sealed class ClusterComposition(IDistributedApplicationBuilder builder, ClusterLayout layout)
{
    private const string Http = "http";
    private const string Https = "https";
    private const string Management = "management";
    private const string Ready = "/health/ready";

    // After kill -9 the children of the old server hold its shared memory for a moment, and the new one refuses to start.
    private const int ServerStartAttempts = 10;

    private static readonly HostProcesses Services = new(ProcessSignal.Terminate);

    private readonly ClusterTopology topology = layout.Topology;
    private readonly ParameterResource password = builder.AddParameter("postgres-password", () => layout.Secrets?.PostgresPassword ?? "", secret: true).Resource;
    private readonly List<ClusterNode> nodes = [];
    private readonly Dictionary<string, OneTimeProgram> programs = [];
    private IResourceBuilder<IResource>? preparation;

    private bool Runs => builder.ExecutionContext.IsRunMode;

    /// <summary>Adds everything to the application.</summary>
    /// <returns>The nodes, and the programs that must succeed once; none where the application is published.</returns>
    public (ClusterNodes Nodes, ProgramLogs Programs) Compose()
    {
        preparation = Runs ? AddPreparation() : null;
        var servers = layout.Servers.ToDictionary(server => server.Name, AddServer);
        var migrate = Runs ? AddMigration(servers) : null;
        var connections = Runs ? topology.Regions.ToDictionary(region => region.Name, region => AddConnection(region, servers[layout.Coordinator.Name])) : null;
        var backends = layout.Backends.Select(backend => AddBackend(backend.Node, backend.Port, connections?[backend.Node.Region], migrate)).ToList();
        foreach (var gateway in layout.Gateways)
        {
            AddGateway(gateway, backends);
        }

        return (new ClusterNodes([.. nodes.OrderBy(node => node.Layer).ThenBy(Order)]), new ProgramLogs(programs));
    }

    private int Order(ClusterNode node) => topology.Nodes.Index().FirstOrDefault(pair => pair.Item.Name == node.Name, (Index: int.MaxValue, Item: null!)).Index;

    private IResourceBuilder<ProjectResource> AddMigration(Dictionary<string, IResourceBuilder<IResourceWithWaitSupport>> servers)
    {
        var migrate = AddVerb("db-migrate", "migrate").WithIconName("DatabaseArrowUp");
        foreach (var server in layout.Servers)
        {
            // A standby that has data answers former primaries; one that has none is copied from a primary that the migration has set up.
            if (server.Node.Follows is null || layout.Kind.HasData(server))
            {
                migrate.WaitFor(servers[server.Name]);
            }
            else
            {
                servers[server.Name].WaitForCompletion(migrate);
            }
        }

        AddVerb("db-seed", "seed").WaitForCompletion(migrate).WithIconName("DatabaseArrowDown");
        AddKeeper(migrate);
        AddSpareWorker(servers[layout.Coordinator.Name]);
        return migrate;
    }

    private IResourceBuilder<ExecutableResource>? AddPreparation()
    {
        var program = layout.Kind.AddPreparation(builder)?.ExcludeFromManifest();
        if (program is not null)
        {
            programs.Add(program.Resource.Name, new OneTimeProgram($"'{program.Resource.Command}'", new NodeLog(layout.Directory.LogFile(program.Resource.Name))));
        }

        return program;
    }

    private IResourceBuilder<IResourceWithWaitSupport> AddServer(DatabaseServer server)
    {
        var resource = Add(server).WithTopologyNodes(server.Node);
        if (server.Node.Follows is { } followed && builder.Resources.FirstOrDefault(candidate => candidate.Name == followed) is { } home)
        {
            resource.WithParentRelationship(home);
        }

        Track(resource, server);
        if (Runs && server.Node.Role == Role.Coordinator)
        {
            resource.WithClusterCommands(layout.Kind.HasBackups);
        }

        if (Runs && server.Node.Follows is null && layout.PartnerOf(server) is not null)
        {
            resource.WithPromoteCommand(layout, server);
        }

        return resource;
    }

    private void AddKeeper(IResourceBuilder<ProjectResource> migrate)
    {
        if (layout.KeeperPort is not { } port)
        {
            return;
        }

        var node = topology.Coordinator with { Name = "db-keeper" };
        var keeper = AddProject<DineHub_Api>(node.Name, BuiltProgram.Api, "db", "keep")
            .WithHttpEndpoint(port, port, Http, isProxied: false)
            .WithUrlForEndpoint(Http, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .With(ServiceEnvironment.Of(node).Concat(layout.DatabaseEnvironment))
            .WithEnvironment("ASPNETCORE_URLS", ClusterLayout.Url(port))
            .WaitForCompletion(migrate)
            .WithIconName("DatabaseSearch")
            .ExcludeFromManifest();
        Track(keeper, StopLayer.Services, ClusterLayout.Url(port), Services, ReadyAt(port));
    }

    private void AddSpareWorker(IResourceBuilder<IResourceWithWaitSupport> coordinator)
    {
        if (layout.Spare is not { } server)
        {
            return;
        }

        Track(Add(server).WithExplicitStart().ExcludeFromManifest(), server);
        coordinator.WithAddWorkerCommand(layout, server);
    }

    /// <summary>A <c>db</c> verb of DineHub.Api, run to its end.</summary>
    private IResourceBuilder<ProjectResource> AddVerb(string name, string verb)
    {
        programs.Add(name, new OneTimeProgram($"'DineHub.Api db {verb}'", new NodeLog(layout.Directory.LogFile(name))));
        return AddProject<DineHub_Api>(name, BuiltProgram.Api, "db", verb).With(layout.DatabaseEnvironment).ExcludeFromManifest();
    }

    // The API's role, which owns nothing, at the servers that are nearest to a region's backends.
    private IResourceBuilder<ConnectionStringResource> AddConnection(Region region, IResourceBuilder<IResourceWithWaitSupport> coordinator)
    {
        var connectionString = layout.ConnectionStringOf(region.Name);
        return builder.AddConnectionString($"dinehub-{region.Alias}", ReferenceExpression.Create($"{connectionString}"))
            .WithReferenceRelationship(coordinator)
            .ExcludeFromManifest();
    }

    private IResourceBuilder<ProjectResource> AddBackend(
        Node node, int port, IResourceBuilder<ConnectionStringResource>? connection, IResourceBuilder<ProjectResource>? migrate)
    {
        var backend = AddProject<DineHub_Api>(node.Name, BuiltProgram.Api)
            .WithHttpEndpoint(port, port, Http, isProxied: false)
            .WithUrlForEndpoint(Http, url => url.DisplayText = "API")
            .WithUrlForEndpoint(Http, _ => new ResourceUrlAnnotation { Url = "/openapi/v1.json", DisplayText = "OpenAPI" })
            .WithTopologyNodes(node)
            .WithIconName("Server");
        if (connection is not null && migrate is not null)
        {
            backend
                .With(ServiceEnvironment.OfBackend(node, layout.Secrets, layout.Directory.ImagesDirectory))
                .WithEnvironment("ASPNETCORE_URLS", ClusterLayout.Url(port))
                .WithReference(connection, "dinehub")
                .WaitForCompletion(migrate);
            Track(backend, StopLayer.Services, ClusterLayout.Url(port), Services, ReadyAt(port));
        }

        return backend;
    }

    private void AddGateway(GatewayPlace place, List<IResourceBuilder<ProjectResource>> backends)
    {
        var (http, https, management) = (place.Ports.Http, place.Ports.Https, place.Ports.Management);
        var gateway = AddProject<DineHub_Gateway>(place.Node.Name, BuiltProgram.Gateway)
            .WithHttpEndpoint(http, http, Http, isProxied: false)
            .WithHttpsEndpoint(https, https, Https, isProxied: false)
            .WithHttpEndpoint(management, management, Management, isProxied: false)
            .WithExternalHttpEndpoints()
            .WithEndpoint(Management, endpoint => endpoint.IsExternal = false, createIfNotExists: false)
            .WithUrlForEndpoint(Https, url => url.DisplayText = $"Order ({place.Node.Region})")
            .WithUrlForEndpoint(Http, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithUrlForEndpoint(Management, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithTopologyNodes(place.Node)
            .WithIconName("ArrowRouting");
        foreach (var backend in backends)
        {
            gateway.WithReferenceRelationship(backend);
        }

        if (Runs)
        {
            var address = FormattableString.Invariant($"https://localhost:{https}");
            var destinations = layout.Backends.Select(backend => (backend.Node, ClusterLayout.Url(backend.Port)));
            gateway
                .With(ServiceEnvironment.OfGateway(place.Node, topology.Ingress, management, layout.Directory.MaintenanceFile, destinations))
                .WithEnvironment("ASPNETCORE_URLS", FormattableString.Invariant($"{ClusterLayout.Url(http)};https://127.0.0.1:{https};{ClusterLayout.Url(management)}"))
                .WithEnvironment("Kestrel__Certificates__Default__Path", layout.Certificate.CertificateFile)
                .WithEnvironment("Kestrel__Certificates__Default__KeyPath", layout.Certificate.KeyFile)
                .WithSampleOrderCommand(layout, new Uri(address));
            Track(gateway, StopLayer.Gateways, address, Services, ReadyAt(management));
        }
    }

    private static Func<CancellationToken, Task<string?>> ReadyAt(int port) => ReadinessCheck.Asking(new Uri(ClusterLayout.Url(port) + Ready));

    // Forwarded headers are the services' own business: with Aspire's default a gateway would believe its clients.
    // The program itself, not 'dotnet run', which takes seconds more and whose end leaves the program behind.
    private IResourceBuilder<ProjectResource> AddProject<T>(string name, string program, params string[] arguments)
        where T : IProjectMetadata, new()
    {
        var project = builder.AddProject<T>(name, options => options.ExcludeLaunchProfile = true).DisableForwardedHeaders();
        if (!Runs)
        {
            return project.WithArgs(arguments);
        }

        var command = BuiltProgram.Run(program, arguments);
        return project
            .WithAnnotation(new ExecutableAnnotation { Command = command.FileName, WorkingDirectory = command.WorkingDirectory })
            .WithArgs([.. command.Arguments])
            .With(command.Environment)
            .WithTelemetryOfTheHost();
    }

    private IResourceBuilder<IResourceWithWaitSupport> Add(DatabaseServer server)
    {
        var resource = layout.Kind.Add(builder, layout, server, password);
        return preparation is null ? resource : resource.WaitForCompletion(preparation);
    }

    private void Track<T>(IResourceBuilder<T> resource, DatabaseServer server)
        where T : IResource =>
        Track(resource, StopLayer.Servers, server.Address, layout.Kind.Control, ct => server.ProblemAsync(layout.Secrets.PostgresPassword, ct), node =>
        {
            node.StartAttempts = ServerStartAttempts;
            node.IsStandbyAsync = ct => layout.Kind.IsStandbyAsync(server, layout.Secrets.PostgresPassword, ct);
            node.IsSpare = server == layout.Spare;
        });

    private void Track<T>(
        IResourceBuilder<T> resource, StopLayer layer, string address, IProcessControl control, Func<CancellationToken, Task<string?>> problem, Action<ClusterNode>? configure = null)
        where T : IResource
    {
        if (!Runs)
        {
            return;
        }

        var name = resource.Resource.Name;
        var key = $"{name}-ready";
        resource.WithAnnotation(new HealthCheckAnnotation(key));
        var node = new ClusterNode(name, resource.Resource, layer, address, new NodeLog(layout.Directory.LogFile(name))) { Control = control };
        configure?.Invoke(node);
        nodes.Add(node);
        var check = new ReadinessCheck(async ct =>
        {
            try
            {
                return await problem(ct);
            }
            catch (RefusalException e)
            {
                node.Refusal = e.Message;
                return e.Message;
            }
        });
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => check, failureStatus: null, tags: null));
        resource.WithProcessCommands();
    }
}
