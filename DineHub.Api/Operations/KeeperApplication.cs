using DineHub.Database.Cluster;
using DineHub.Database.Growth;
using DineHub.Database.Monitoring;
using DineHub.Database.Replication;
using DineHub.ServiceDefaults;
using Npgsql;

namespace DineHub.Api.Operations;

/// <summary><c>db keep</c>: the keeper as a service, with its health and its metrics.</summary>
internal static class KeeperApplication
{
    public static async Task RunAsync(DatabaseOptions options, string? group, CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceDefaults();
        AddNpgsqlTelemetry(builder);

        // The keeper itself tells of each change, once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<DurabilityKeeper>(services, options, group ?? ""));
        builder.Services.AddHostedService(services => services.GetRequiredService<DurabilityKeeper>());
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<CitusStatistics>(services, options, group ?? ""));
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<ShardWatch>(services, options, group ?? ""));
        builder.Services.AddHealthChecks().AddCheck<DurabilityKeeper>("durability", tags: ["ready"]);
        await using var app = builder.Build();
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        await app.RunAsync(ct);
    }

    // The keeper's connections are not those of Aspire.Npgsql, which registers these names for the API.
    private static void AddNpgsqlTelemetry(WebApplicationBuilder builder)
    {
        var telemetry = builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddNpgsqlInstrumentation());
        if (ServiceDefaultsExtensions.SendsTelemetry(builder.Configuration))
        {
            telemetry.WithTracing(tracing => tracing.AddNpgsql());
        }
    }
}
