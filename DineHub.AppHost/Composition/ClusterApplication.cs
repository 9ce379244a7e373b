using Aspire.Hosting;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Topology;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace DineHub.AppHost.Composition;

/// <summary>The topology as an Aspire application: run on this machine, or published by Aspire's pipeline.</summary>
internal static class ClusterApplication
{
    private const string Production = "production";
    private const int Failed = 1;

    // Each of the four layers of nodes has some seconds to end in good order before it is killed.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(90);

    /// <summary>Runs it until it is told to stop, or publishes it.</summary>
    /// <param name="options">How.</param>
    /// <param name="ct">Cancels what comes before the start.</param>
    /// <returns>The exit code: 0, or 1 where something failed.</returns>
    /// <exception cref="TopologyException">The topology is not valid.</exception>
    /// <exception cref="PrerequisiteException">Something is missing or in the way.</exception>
    /// <exception cref="NodeFailedException">A node did not start.</exception>
    public static async Task<int> RunAsync(RunOptions options, CancellationToken ct)
    {
        var builder = CreateBuilder(options);
        var topology = options.Source.Load();
        if (builder.ExecutionContext.IsRunMode)
        {
            return await RunAsync(builder, topology, options, ct);
        }

        await using var app = BuildToPublish(builder, topology);
        return await PublishAsync(app);
    }

    /// <summary>The application's builder with its environment of machines.</summary>
    /// <param name="options">How the application is run or published.</param>
    internal static IDistributedApplicationBuilder CreateBuilder(RunOptions options)
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = [.. options.AspireArguments],
            AssemblyName = typeof(ClusterApplication).Assembly.GetName().Name,
            AllowUnsecuredTransport = true,
        });
        builder.AddNixOSEnvironment(Production, options.Source);
        return builder;
    }

    /// <summary>The application as it is published: the nodes alone.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="topology">The topology.</param>
    internal static DistributedApplication BuildToPublish(IDistributedApplicationBuilder builder, ClusterTopology topology)
    {
        using var layout = ClusterLayout.ToPublish(topology);
        new ClusterComposition(builder, layout).Compose();
        return builder.Build();
    }

    /// <summary>Runs the pipeline.</summary>
    /// <param name="app">The application.</param>
    /// <returns>The exit code: 0, or 1 where a step failed.</returns>
    internal static async Task<int> PublishAsync(DistributedApplication app)
    {
        await app.RunAsync();

        // A pipeline that fails does not fail the application, unless Aspire's own command line runs it.
        return app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Any(service => service.ExecuteTask is { IsFaulted: true }) ? Failed : 0;
    }

    private static async Task<int> RunAsync(IDistributedApplicationBuilder builder, ClusterTopology topology, RunOptions options, CancellationToken ct)
    {
        DashboardAddress.Configure(builder.Configuration);
        SpareResources();

        // Without it this process ends while its servers still shut down, and the next run meets their ports.
        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true";
        Quieten(builder.Services);
        var servers = await ServerKinds.ChooseAsync(options, builder.Configuration, ct);
        if (options.RestoreTo is not null && !servers.HasBackups)
        {
            throw new PrerequisiteException(
                "'--restore-to' needs backups, and there are none of databases in containers.",
                "Start without it; or run on PostgreSQL's programs, which have backups: '--engine postgres', or install Citus for the PostgreSQL of this machine.");
        }

        using var layout = await ClusterLayout.ToRunAsync(topology, options, servers, ct);
        using var stopAtOnce = new ImpatientStop();
        var (nodes, programs) = new ClusterComposition(builder, layout).Compose();
        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout)
            .AddSingleton(layout).AddSingleton(nodes).AddSingleton(programs).AddSingleton(options)
            .AddSingleton<IAnsiConsole>(Commands.TopologyCommand.WideConsole())
            .AddSingleton<DatabaseVerb>().AddSingleton<NodeSupervisor>().AddSingleton<ClusterStart>().AddSingleton<ResourceLogs>().AddSingleton<ClusterConsole>()
            .AddHostedService(services => services.GetRequiredService<NodeSupervisor>())
            .AddHostedService(services => services.GetRequiredService<ResourceLogs>())
            .AddHostedService(services => services.GetRequiredService<ClusterConsole>())
            .AddHostedService(services => services.GetRequiredService<ClusterStart>())
            .AddHostedService<ClusterFiles>();
        await layout.Certificate.EnsureAsync(options.TrustCertificate, ct);
        await using var app = builder.Build();
        if (options.RestoreTo is { } target)
        {
            await app.Services.GetRequiredService<DatabaseVerb>().RunAsync(["restore", "--to", target], ct);
        }

        var start = app.Services.GetRequiredService<ClusterStart>();
        stopAtOnce.Watch(app.Services);
        try
        {
            await app.RunAsync(ct);
        }
        catch (Exception e) when (e is OperationCanceledException or DistributedApplicationException && start.Ready.IsFaulted)
        {
            // What failed first is the message.
        }

        if (start.Ready.IsFaulted)
        {
            await start.Ready;
        }

        return 0;
    }

    // The dashboard, which Aspire starts, inherits this process's environment: one heap serves one developer, and profiling for a second compilation
    // costs more than it gains.
    private static void SpareResources()
    {
        foreach (var (name, value) in new[] { ("DOTNET_gcServer", "0"), ("DOTNET_TieredPGO", "0") })
        {
            if (Environment.GetEnvironmentVariable(name) is null)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }

    // Failed probes, and a start that is given up, print stack traces otherwise, and the dashboard's calls fill the console.
    private static void Quieten(IServiceCollection services) => services.AddLogging(logging => logging
        .AddFilter("Aspire.Hosting", LogLevel.Warning)
        .AddFilter("Aspire.Hosting.Dcp.DcpHost", LogLevel.Error)

        // The log of a container is gone when the next one takes its place. What fails to start is in its own log, too.
        .AddFilter("Aspire.Hosting.Dcp.DcpExecutor", LogLevel.Critical)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
        .AddFilter("System.Net.Http", LogLevel.Warning)
        .AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
}
