#if USE_ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;
using DineHub.AppHost.Topology;
using Microsoft.Extensions.Logging.Abstractions;
#endif

namespace DineHub.Tests.Aspire;

/// <summary>What Aspire's pipeline publishes against what the verb <c>publish</c> does.</summary>
public sealed class AspirePublishTests
{
#if USE_ASPIRE
    [AspireFact]
    public async Task Aspire_publishes_byte_for_byte_what_the_verb_publishes()
    {
        using var directory = new TemporaryDirectory();
        var byVerb = Path.Combine(directory.Path, "verb");
        var byAspire = Path.Combine(directory.Path, "aspire");
        var (exitCode, output) = AppHostProcess.Run(["publish", "--output", byVerb]);
        exitCode.ShouldBe(0, output);
        await PublishAsync(byAspire);
        var files = Files(byVerb);
        files.ShouldNotBeEmpty();
        Files(byAspire).ShouldBe(files);
        foreach (var file in files)
        {
            File.ReadAllBytes(Path.Combine(byAspire, file)).ShouldBe(File.ReadAllBytes(Path.Combine(byVerb, file)), file);
        }
    }

    [AspireFact]
    public async Task Resources_are_assigned_to_the_machines_of_the_topology()
    {
        using var directory = new TemporaryDirectory();
        await using var application = await PublishAsync(directory.Path);
        var target = application.Resource("backend-eu").GetDeploymentTargetAnnotation().ShouldNotBeNull();
        target.ComputeEnvironment.ShouldNotBeNull().Name.ShouldBe("production");
        target.DeploymentTarget.ShouldBeOfType<NixOSHostResource>().Nodes.Select(node => node.Name).ShouldBe(["backend-eu-1", "backend-eu-2"]);
    }

    [AspireFact]
    public async Task An_environment_changes_domain_and_regions_and_a_host_takes_options()
    {
        using var directory = new TemporaryDirectory();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = ["--operation", "publish", "--step", "publish", "--output-path", directory.Path],
            AssemblyName = typeof(ClusterTopology).Assembly.GetName().Name,
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

    private static async Task<AspireModel> PublishAsync(string output)
    {
        var application = await AspireModel.BuildAsync("--operation", "publish", "--step", "publish", "--output-path", output);
        await ExecuteAsync(application.App);
        return application;
    }

    // Without Aspire's command line a failed publish ends with exit code 0; the pipeline itself throws.
    private static Task ExecuteAsync(DistributedApplication app) => app.Services.GetRequiredService<IDistributedApplicationPipeline>().ExecuteAsync(new PipelineContext(
        app.Services.GetRequiredService<DistributedApplicationModel>(),
        app.Services.GetRequiredService<DistributedApplicationExecutionContext>(),
        app.Services,
        NullLogger.Instance,
        CancellationToken.None));

    private static List<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];
#else
    [AspireFact]
    public void Aspire_publishes_byte_for_byte_what_the_verb_publishes() => Assert.Fail("It cannot run without Aspire.");
#endif
}
