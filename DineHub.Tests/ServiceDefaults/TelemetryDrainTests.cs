using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace DineHub.Tests.ServiceDefaults;

/// <summary>The end of a service whose collector is down.</summary>
public sealed class TelemetryDrainTests : IDisposable
{
    // Connections are accepted by the kernel, and no one reads them.
    private readonly TcpListener silent = new(IPAddress.Loopback, 0);
    private readonly Shutdowns shutdowns = new();

    public TelemetryDrainTests() => silent.Start();

    [Theory]
    [InlineData(true, "http/protobuf")]
    [InlineData(true, "grpc")]
    [InlineData(false, "http/protobuf")]
    [InlineData(false, "grpc")]
    public async Task Service_ends_within_the_drains_deadline_when_its_collector_is_down(bool accepts, string protocol)
    {
        var app = Build(accepts, protocol);
        await app.StartAsync();
        using (var client = new HttpClient())
        {
            (await client.GetAsync(new Uri(app.Urls.Single() + "/health/live"))).EnsureSuccessStatusCode().Dispose();
        }

        await app.StopAsync().OrFailAsync("the service has stopped");
        shutdowns.ShouldBeBounded();
        await app.DisposeAsync().OrFailAsync("the service is disposed of");
        shutdowns.ShouldBeBounded();
    }

    [Fact]
    public async Task Service_that_cannot_start_ends_within_the_drains_deadline()
    {
        var app = Build(accepts: true, "http/protobuf", ((IPEndPoint)silent.LocalEndpoint).Port);
        await Should.ThrowAsync<IOException>(() => app.StartAsync());
        await app.DisposeAsync().OrFailAsync("the service is disposed of");
        shutdowns.ShouldBeBounded();
    }

    public void Dispose()
    {
        silent.Dispose();
        shutdowns.Dispose();
    }

    private WebApplication Build(bool accepts, string protocol, int port = 0)
    {
        var collector = accepts ? ((IPEndPoint)silent.LocalEndpoint).Port : 1;
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{collector}";
        builder.Configuration["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddRoutingCore();
        builder.AddServiceDefaults();
        builder.Services
            .ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(new LastProcessor<Activity>(shutdowns)))
            .ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddReader(new LastReader(shutdowns)))
            .ConfigureOpenTelemetryLoggerProvider(logs => logs.AddProcessor(new LastProcessor<LogRecord>(shutdowns)));
        var app = builder.Build();
        app.MapDefaultEndpoints();
        return app;
    }

    /// <summary>The time that each signal's pipeline was given, once all three had been asked to end.</summary>
    private sealed class Shutdowns : IDisposable
    {
        private const int Signals = 3;

        private readonly List<int> milliseconds = [];
        private readonly Barrier together = new(Signals);
        private bool wereTogether = true;

        public void Add(int timeout)
        {
            // Signals that are ended one after the other never meet here.
            var met = together.SignalAndWait(Deadline.Usual);
            lock (milliseconds)
            {
                wereTogether &= met;
                milliseconds.Add(timeout);
            }
        }

        public void ShouldBeBounded()
        {
            lock (milliseconds)
            {
                milliseconds.Count.ShouldBe(Signals);
                milliseconds.ShouldAllBe(timeout => timeout >= 0 && timeout <= TelemetryDrain.Deadline.TotalMilliseconds);
                wereTogether.ShouldBeTrue();
            }
        }

        public void Dispose() => together.Dispose();
    }

    // Behind the exporter, so that it gets the time that the exporter has left of the provider's.
    private sealed class LastProcessor<T>(Shutdowns shutdowns) : BaseProcessor<T>
    {
        protected override bool OnShutdown(int timeoutMilliseconds)
        {
            shutdowns.Add(timeoutMilliseconds);
            return true;
        }
    }

    private sealed class LastReader(Shutdowns shutdowns) : MetricReader
    {
        protected override bool OnShutdown(int timeoutMilliseconds)
        {
            shutdowns.Add(timeoutMilliseconds);
            return true;
        }
    }
}
