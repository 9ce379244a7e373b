using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DineHub.ServiceDefaults;

/// <summary>
/// Collects metrics for <see cref="PrometheusMetrics"/>; sends traces, metrics and logs by OTLP where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>
/// is configured. The runtime, ASP.NET Core and YARP emit on their own, so no instrumentation package is needed; Npgsql's source and
/// meter are added where its data source is.
/// </summary>
internal static class Telemetry
{
    private const string EndpointKey = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] Sources = ["Microsoft.AspNetCore", "System.Net.Http", "Yarp.ReverseProxy", "DineHub.*"];

    private static readonly string[] Meters =
        ["Microsoft.AspNetCore.*", "System.Net.Http", "System.Net.NameResolution", "System.Runtime", "Yarp.ReverseProxy", "DineHub.*"];

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

    public static bool Sends(IConfiguration configuration) => !string.IsNullOrWhiteSpace(configuration[EndpointKey]);

    public static void AddTelemetry(IHostApplicationBuilder builder)
    {
        var identity = ServiceIdentity.Read(builder.Configuration);
        builder.Services.AddSingleton<PrometheusMetrics>();
        builder.Services.AddHostedService<TelemetryDrain>();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(
                    builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName,
                    serviceInstanceId: identity.Node)
                .AddAttributes([new("cloud.region", identity.Region)])
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter(Meters)
                .AddView(Leave)
                .AddReader(services => new BaseExportingMetricReader(services.GetRequiredService<PrometheusMetrics>())));
        if (Sends(builder.Configuration))
        {
            telemetry
                .WithTracing(tracing => tracing.AddSource(Sources).AddOtlpExporter())
                .WithMetrics(metrics => metrics.AddOtlpExporter())
                .WithLogging(
                    logs => logs.AddOtlpExporter(),
                    options =>
                    {
                        options.IncludeFormattedMessage = true;
                        options.IncludeScopes = true;
                    });
        }
    }

    private static MetricStreamConfiguration? Leave(Instrument instrument) => LeftOut.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null;
}
