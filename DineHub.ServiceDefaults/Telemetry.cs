using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DineHub.ServiceDefaults;

/// <summary>
/// Collects metrics for <see cref="PrometheusMetrics"/>; sends traces, metrics and logs by OTLP where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>
/// is configured. The runtime, ASP.NET Core, Npgsql and YARP emit on their own, so no instrumentation package is needed.
/// </summary>
internal static class Telemetry
{
    private const string EndpointKey = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Npgsql = "Npgsql";

    // Of the component Aspire.Npgsql: for all connections, or below it for one of them, which comes first.
    private const string NpgsqlSection = "Aspire:Npgsql";

    private static readonly string[] Sources =
        ["Microsoft.AspNetCore", "System.Net.Http", Npgsql, "Yarp.ReverseProxy", "DineHub.*"];

    private static readonly string[] Meters =
        ["Microsoft.AspNetCore.*", "System.Net.Http", "System.Net.NameResolution", "System.Runtime", Npgsql, "Yarp.ReverseProxy", "DineHub.*"];

    // Counted several times for each request, and told by the durations' counts as well.
    private static readonly FrozenSet<string> LeftOut = FrozenSet.Create(
        "aspnetcore.memory_pool.pooled",
        "aspnetcore.memory_pool.rented",
        "aspnetcore.memory_pool.allocated",
        "aspnetcore.memory_pool.evicted",
        "aspnetcore.routing.match_attempts",
        "http.client.active_requests",
        "http.client.open_connections",
        "http.client.request.time_in_queue");

    public static void AddTelemetry(IHostApplicationBuilder builder)
    {
        var sends = !string.IsNullOrWhiteSpace(builder.Configuration[EndpointKey]);
        var identity = ServiceIdentity.Read(builder.Configuration);
        var sources = Collected(builder.Configuration, Sources, "DisableTracing");
        var meters = Collected(builder.Configuration, Meters, "DisableMetrics");
        void Describe(ResourceBuilder resource) => resource
            .AddService(
                builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName,
                serviceInstanceId: identity.Node)
            .AddAttributes([new("cloud.region", identity.Region)])
            .AddEnvironmentVariableDetector();

        if (sends)
        {
            builder.Logging.AddOpenTelemetry(logs =>
            {
                logs.IncludeFormattedMessage = true;
                logs.IncludeScopes = true;
                var resource = ResourceBuilder.CreateDefault();
                Describe(resource);
                logs.SetResourceBuilder(resource).AddOtlpExporter();
            });
        }

        builder.Services.AddSingleton<PrometheusMetrics>();
        builder.Services.AddHostedService(services => new TelemetryService(OpenTelemetrySdk.Create(sdk =>
        {
            // The exporters read OTEL_* from here: from files and the command line as well as from the environment.
            sdk.Services.AddSingleton<IConfiguration>(builder.Configuration);
            sdk.ConfigureResource(Describe)
                .WithMetrics(metrics => metrics.AddMeter(meters).AddView(Leave).AddReader(new BaseExportingMetricReader(services.GetRequiredService<PrometheusMetrics>())));
            if (sends)
            {
                sdk.WithTracing(tracing => tracing.AddSource(sources).AddOtlpExporter()).WithMetrics(metrics => metrics.AddOtlpExporter());
            }
        })));
    }

    /// <summary>All names, or all but Npgsql's where the configuration says so.</summary>
    internal static string[] Collected(IConfiguration configuration, string[] names, string disable)
    {
        var section = configuration.GetSection(NpgsqlSection);
        var named = section.GetChildren().Select(connection => connection[disable]).FirstOrDefault(value => value is not null);
        return bool.TryParse(named ?? section[disable], out var disabled) && disabled ? [.. names.Where(name => name != Npgsql)] : names;
    }

    private static MetricStreamConfiguration? Leave(Instrument instrument) => LeftOut.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null;

    /// <summary>Keeps the SDK until the service stops, then sends what is still to be sent.</summary>
    private sealed class TelemetryService(OpenTelemetrySdk sdk) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            sdk.Dispose();
            return Task.CompletedTask;
        }
    }
}
