using Aspire.Hosting;
using DineHub.AppHost.Commands;
using DineHub.AppHost.Topology;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Aspire;

/// <summary>The topology as an Aspire application: run under its dashboard, or published by its pipeline.</summary>
internal static class AspireApplication
{
    private const string Production = "production";

    // What launchSettings.json sets elsewhere; here it would be set for the plain run, too.
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

    /// <summary>Runs it until it is told to stop, or publishes it.</summary>
    /// <exception cref="TopologyException">The topology is not valid.</exception>
    /// <exception cref="Local.PrerequisiteException">There is nothing that could run containers.</exception>
    public static async Task<int> RunAsync(string[] args, CommonOptions common)
    {
        var (source, errors) = common.SourceOf(args);
        if (errors.Count > 0)
        {
            throw new InvalidDataException(string.Join(Environment.NewLine, errors));
        }

        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = args, AllowUnsecuredTransport = true });
        builder.Configuration.AddInMemoryCollection(DashboardDefaults
            .Where(setting => builder.Configuration[setting.Key] is null)
            .Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)));
        builder.AddNixOSEnvironment(Production, source);
        new ClusterComposition(builder, source.Load()).Compose();
        await using var app = builder.Build();
        await app.RunAsync();
        return 0;
    }
}
