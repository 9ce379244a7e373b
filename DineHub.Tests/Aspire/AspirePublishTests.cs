using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Publishing;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace DineHub.Tests.Aspire;

/// <summary>What Aspire's pipeline publishes against what the verb <c>publish</c> does.</summary>
public sealed class AspirePublishTests
{
    [Fact]
    public async Task Aspire_publishes_byte_for_byte_what_the_verb_publishes()
    {
        using var directory = new TemporaryDirectory();
        var byVerb = Path.Combine(directory.Path, "verb");
        var byAspire = Path.Combine(directory.Path, "aspire");
        var (exitCode, output) = await AppHostProcess.RunAsync(["publish", "--output", byVerb]);
        exitCode.ShouldBe(0, output);
        (exitCode, output) = await AppHostProcess.RunAsync(Publish(byAspire));
        exitCode.ShouldBe(0, output);
        var files = Files(byVerb);
        files.ShouldNotBeEmpty();
        output.ShouldContain($"{files.Count} files in {byAspire}");
        Files(byAspire).ShouldBe(files);
        foreach (var file in files)
        {
            File.ReadAllBytes(Path.Combine(byAspire, file)).ShouldBe(File.ReadAllBytes(Path.Combine(byVerb, file)), file);
        }
    }

    [Fact]
    public async Task Publishing_that_fails_says_why_and_ends_with_1()
    {
        using var directory = new TemporaryDirectory();
        var inTheWay = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(inTheWay, "");
        var (exitCode, output) = await AppHostProcess.RunAsync(Publish(inTheWay));
        exitCode.ShouldBe(1, output);
        output.ShouldContain(inTheWay);
        (exitCode, output) = await AppHostProcess.RunAsync([.. Publish(directory.Path), "--set", "Regions:0:Backends=0"]);
        exitCode.ShouldBe(2, output);
        output.ShouldContain("Regions:0:Backends");
    }

    [Fact]
    public async Task Resources_are_assigned_to_the_machines_of_the_topology()
    {
        using var directory = new TemporaryDirectory();
        await using var app = Build(directory.Path);
        (await ClusterApplication.PublishAsync(app)).ShouldBe(0);
        var backend = app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(resource => resource.Name == "backend-eu-2");
        var target = backend.GetDeploymentTargetAnnotation().ShouldNotBeNull();
        target.ComputeEnvironment.ShouldNotBeNull().Name.ShouldBe("production");
        target.DeploymentTarget.ShouldBeOfType<NixOSHostResource>().Nodes.Select(node => node.Name).ShouldBe(["backend-eu-2"]);
    }

    [Fact]
    public async Task Endpoints_are_at_the_mesh_names_and_ports_of_the_topology()
    {
        using var directory = new TemporaryDirectory();
        await using var app = Build(directory.Path);
        var resources = app.Services.GetRequiredService<DistributedApplicationModel>().Resources;
        IComputeEnvironmentResource environment = resources.OfType<NixOSEnvironmentResource>().Single();
        EndpointReference Endpoint(string resource, string name) => new((IResourceWithEndpoints)resources.Single(one => one.Name == resource), name);
        async Task<string?> ValueAsync(EndpointReference endpoint, EndpointProperty property) =>
            await environment.GetEndpointPropertyExpression(endpoint.Property(property)).GetValueAsync(CancellationToken.None);
        var backend = Endpoint("backend-us-1", "http");
        var database = Endpoint("db-worker-2", "tcp");
        var domain = ReferenceTopology.Load().MeshDomain;
        (await environment.GetHostAddressExpression(backend).GetValueAsync(CancellationToken.None)).ShouldBe($"backend-us-1.{domain}");
        (await ValueAsync(backend, EndpointProperty.Url)).ShouldBe($"http://backend-us-1.{domain}:8080");
        (await ValueAsync(backend, EndpointProperty.TlsEnabled)).ShouldBe("False");
        (await ValueAsync(database, EndpointProperty.HostAndPort)).ShouldBe($"db-worker-2.{domain}:5432");
        (await ValueAsync(Endpoint("ingress-eu-1", "https"), EndpointProperty.Port)).ShouldBe("443");
    }

    [Fact]
    public async Task An_environment_changes_domain_and_regions_and_a_host_takes_options()
    {
        using var directory = new TemporaryDirectory();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = Publish(directory.Path),
            AssemblyName = typeof(Publisher).Assembly.GetName().Name,
            DisableDashboard = true,
        });
        var source = new TopologySource(ReferenceTopology.File, []);
        builder.AddNixOSEnvironment("staging", source).WithDomain("staging.example").WithRegions("eu-west-1");
        var backend = source.Load().Nodes.Single(node => node.Name == "backend-eu-1");
        builder.AddContainer("backend", "example", "1").WithTopologyNodes(backend)
            .PublishAsNixOSHost((_, host) => host.Set("services.openssh.settings.LogLevel", "VERBOSE"));
        await using var app = builder.Build();
        await ExecuteAsync(app);
        File.ReadAllText(Path.Combine(directory.Path, "hosts", "backend-eu-1.nix")).ShouldContain("VERBOSE");
        File.ReadAllText(Path.Combine(directory.Path, "hosts", "backend-eu-2.nix")).ShouldNotContain("VERBOSE");
        File.Exists(Path.Combine(directory.Path, "hosts", "backend-us-1.nix")).ShouldBeFalse();
        File.ReadAllText(Path.Combine(directory.Path, "generated", "topology.json")).ShouldContain("\"domain\": \"staging.example\"");
    }

    [Fact]
    public async Task A_resource_that_is_customised_needs_an_environment()
    {
        using var directory = new TemporaryDirectory();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = Publish(directory.Path),
            AssemblyName = typeof(Publisher).Assembly.GetName().Name,
            DisableDashboard = true,
        });
        builder.AddContainer("backend", "example", "1").PublishAsNixOSHost((_, _) => { });
        await using var app = builder.Build();
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => app.StartAsync());
        refused.Message.ShouldContain("'backend'");
        refused.Message.ShouldContain("AddNixOSEnvironment");
    }

    private static DistributedApplication Build(string output)
    {
        var options = new RunOptions { Source = new TopologySource(ReferenceTopology.File, []), AspireArguments = Publish(output) };
        return ClusterApplication.BuildToPublish(ClusterApplication.CreateBuilder(options), options.Source.Load());
    }

    private static string[] Publish(string output) => ["--operation", "publish", "--step", "publish", "--output-path", output];

    // Without Aspire's command line a failed publish ends with exit code 0; the pipeline itself throws.
    private static Task ExecuteAsync(DistributedApplication app) => app.Services.GetRequiredService<IDistributedApplicationPipeline>().ExecuteAsync(new PipelineContext(
        app.Services.GetRequiredService<DistributedApplicationModel>(),
        app.Services.GetRequiredService<DistributedApplicationExecutionContext>(),
        app.Services,
        NullLogger.Instance,
        CancellationToken.None));

    private static List<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];
}
