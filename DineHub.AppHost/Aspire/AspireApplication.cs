using Aspire.Hosting;
using DineHub.AppHost.Commands;
using DineHub.AppHost.Topology;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DineHub.AppHost.Aspire;

/// <summary>The topology as an Aspire application: run under its dashboard, or published by its pipeline.</summary>
internal static class AspireApplication
{
    private const string Production = "production";
    private const int Failed = 1;

    // launchSettings.json sets what follows elsewhere; here it would be set for the plain run, too.
    private static readonly string[] EnvironmentKeys = ["DOTNET_ENVIRONMENT", "ASPIRE_ENVIRONMENT"];

    private static readonly (string Key, string Value)[] DashboardDefaults =
    [
        ("ASPNETCORE_URLS", "http://localhost:18888"),
        ("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "http://localhost:18889"),
        ("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", "http://localhost:18890"),
    ];

    /// <summary>
    /// Whether a command line is for Aspire. A verb comes first; Aspire's own arguments (<c>--operation publish --step publish</c>) begin with an
    /// option, and have words that are verbs.
    /// </summary>
    public static bool Takes(IReadOnlyList<string> args) =>
        args.Count == 0 || (args[0].StartsWith("--", StringComparison.Ordinal) && args[0] is not ("--help" or "--version"));

    /// <summary>Puts it together.</summary>
    /// <exception cref="TopologyException">The topology is not valid.</exception>
    /// <exception cref="InvalidDataException">The command line is not valid.</exception>
    public static DistributedApplication Build(string[] args, CommonOptions common)
    {
        var (source, errors) = common.SourceOf(args);
        if (errors.Count > 0)
        {
            throw new InvalidDataException(string.Join(Environment.NewLine, errors));
        }

        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = InDevelopment(args),
            AssemblyName = typeof(AspireApplication).Assembly.GetName().Name,
            AllowUnsecuredTransport = true,
        });
        builder.Configuration.AddInMemoryCollection(DashboardDefaults
            .Where(setting => builder.Configuration[setting.Key] is null)
            .Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)));
        builder.AddNixOSEnvironment(Production, source);
        new ClusterComposition(builder, source.Load()).Compose();
        return builder.Build();
    }

    /// <summary>Runs it until it is told to stop, or publishes it.</summary>
    /// <returns>The exit code: 0, or 1 if Aspire could not start it, or could not publish it.</returns>
    /// <exception cref="Local.PrerequisiteException">There is nothing that could run containers.</exception>
    public static async Task<int> RunAsync(DistributedApplication app)
    {
        try
        {
            await app.RunAsync();
        }
        catch (DistributedApplicationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return Failed;
        }

        // A pipeline that fails does not fail the application, unless Aspire's own command line runs it.
        return app.Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode
            && app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Any(service => service.ExecuteTask is { IsFaulted: true })
                ? Failed
                : 0;
    }

    // User secrets, which generated passwords are kept among, are read in Development only. Of two on a command line the later holds.
    private static string[] InDevelopment(string[] args) =>
        EnvironmentKeys.Any(key => Environment.GetEnvironmentVariable(key) is { Length: > 0 }) ? args : ["--environment", Environments.Development, .. args];
}
