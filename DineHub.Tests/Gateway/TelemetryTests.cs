using System.Collections.Concurrent;
using DineHub.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.Gateway;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Traces_metrics_and_logs_go_to_the_OTLP_endpoint_that_is_configured()
    {
        using var ports = new PortAllocator();
        var (collectorPort, port, managementPort) = (ports.Next(), ports.Next(), ports.Next());
        var signals = new ConcurrentBag<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{collectorPort}");
        await using var collector = builder.Build();
        collector.Run(http =>
        {
            signals.Add(http.Request.Path);
            return Task.CompletedTask;
        });
        await collector.StartAsync();

        await using (var gateway = GatewayApplication.Build(
        [
            $"--urls=http://127.0.0.1:{port};http://127.0.0.1:{managementPort}",
            $"--Management:Port={managementPort}",
            $"--ReverseProxy:Clusters:backends:Destinations:a:Address=http://127.0.0.1:{collectorPort}",
            "--ReverseProxy:Clusters:backends:Destinations:a:Metadata:Region=local",
            $"--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{collectorPort}",
            "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "--environment=Production",
        ]))
        {
            await gateway.StartAsync();
            using var client = new HttpClient();
            (await client.GetAsync(new Uri($"http://127.0.0.1:{port}/api/x"))).EnsureSuccessStatusCode().Dispose();

            // Who collects for himself takes nothing from the exporter.
            (await client.GetStringAsync(new Uri($"http://127.0.0.1:{managementPort}/metrics")))
                .ShouldContain($"server_address=\"127.0.0.1\",server_port=\"{collectorPort}\"");
            await gateway.StopAsync().OrFailAsync("the gateway has stopped");
        }

        signals.ShouldContain("/v1/traces");
        signals.ShouldContain("/v1/metrics");
        signals.ShouldContain("/v1/logs");
    }
}
