using System.Net;
using System.Net.Sockets;
using System.Text;
using DineHub.Gateway;
using DineHub.Gateway.Retries;
using DineHub.Tests.Metrics;
using DineHub.Topology.Ingress;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.Gateway;

/// <summary>What only the gateway has: its management port, its metrics, its retry budget, its configuration. The rest is in <c>Ingress/</c>.</summary>
public sealed class GatewayTests : IAsyncLifetime, IDisposable
{
    private readonly PortAllocator ports = new();
    private readonly HttpClient client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private WebApplication? backend;
    private WebApplication? gateway;
    private int requests;
    private int managementPort;

    public async Task InitializeAsync()
    {
        var (backendPort, deadPort, port) = (ports.Next(), ports.Next(), ports.Next());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{backendPort}");
        backend = builder.Build();
        backend.Run(http =>
        {
            Interlocked.Add(ref requests, http.Request.Path.StartsWithSegments("/health") ? 0 : 1);
            return Task.CompletedTask;
        });
        await backend.StartAsync();

        managementPort = ports.Next();
        gateway = GatewayApplication.Build(
        [
            $"--urls=http://127.0.0.1:{port};http://127.0.0.1:{managementPort}",
            $"--Management:Port={managementPort}",
            "--DINEHUB_REGION=eu",
            "--environment=Production",
            "--Logging:LogLevel:Default=None",
            "--Ingress:HealthIntervalMilliseconds=60000",
            "--Ingress:EjectAfterFailures=1",
            "--Ingress:RateLimits:SignIn:Burst=1",
            $"--ReverseProxy:Clusters:backends:Destinations:dead:Address=http://127.0.0.1:{deadPort}",
            "--ReverseProxy:Clusters:backends:Destinations:dead:Metadata:Region=eu",
            $"--ReverseProxy:Clusters:backends:Destinations:alive:Address=http://127.0.0.1:{backendPort}",
            "--ReverseProxy:Clusters:backends:Destinations:alive:Metadata:Region=us",
        ]);
        GatewayApplication.ConfigurationErrors(gateway.Configuration).ShouldBeEmpty();
        await gateway.StartAsync();
        client.BaseAddress = new Uri($"http://127.0.0.1:{port}");
    }

    public async Task DisposeAsync()
    {
        await gateway!.DisposeAsync().OrFailAsync("the gateway has been taken down");
        await backend!.DisposeAsync().OrFailAsync("the backend has been taken down");
    }

    public void Dispose()
    {
        client.Dispose();
        ports.Dispose();
    }

    [Theory]
    [InlineData("/health/ready")]
    [InlineData("/HEALTH/live")]
    [InlineData("/metrics")]
    [InlineData("/%6detrics")]
    public async Task The_management_port_is_not_reached_by_its_name(string path)
    {
        // By a socket: HttpClient would send the port that it connects to.
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, client.BaseAddress!.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{managementPort}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        (await reader.ReadToEndAsync().OrFailAsync("the gateway answers and closes")).ShouldStartWith("HTTP/1.1 404 ");
        requests.ShouldBe(0);
    }

    [Fact]
    public async Task Health_and_metrics_are_told_at_the_management_port_alone()
    {
        using var health = await client.GetAsync(Management("/health/ready"));
        health.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var metrics = await client.GetAsync(Management("/metrics"));
        metrics.StatusCode.ShouldBe(HttpStatusCode.OK);
        metrics.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        var samples = PrometheusText.Read(await metrics.Content.ReadAsStringAsync());
        samples.ShouldContain(sample => sample.Name == "target_info" && sample.Labels["cloud_region"] == "eu");
        samples.ShouldContain(sample => sample.Name.StartsWith("http_server_request_duration_seconds"));
        using var other = await client.GetAsync(Management("/api/x"));
        other.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Retries_ejections_and_refused_clients_are_counted()
    {
        // The backend of the own region is tried first, and is not there.
        (await client.GetAsync("/api/x")).EnsureSuccessStatusCode().Dispose();
        (await client.PostAsync("/api/v1/accounts/sign-in", null)).EnsureSuccessStatusCode().Dispose();
        using var refused = await client.PostAsync("/api/v1/accounts/sign-in", null);
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        requests.ShouldBe(2);

        var samples = PrometheusText.Read(await client.GetStringAsync(Management("/metrics")));
        samples.Single(sample => sample.Name == "dinehub_gateway_retries_total" && sample.Labels["backend"] == "dead").Value.ShouldBe(1);
        samples.Single(sample => sample.Name == "dinehub_gateway_ejections_total" && sample.Labels["backend"] == "dead").Value.ShouldBe(1);
        samples.Single(sample => sample.Name == "dinehub_gateway_limited_total" && sample.Labels["limit"] == "sign-in").Value.ShouldBe(1);
    }

    [Fact]
    public void Retries_are_limited_to_a_tenth_of_the_requests_once_the_reserve_is_used_up()
    {
        var budget = new RetryBudget(new IngressPolicy());
        while (budget.TryTake())
        {
            // The reserve.
        }

        for (var i = 0; i < 1000; i++)
        {
            budget.OnRequest();
        }

        Enumerable.Range(0, 1000).Count(_ => budget.TryTake()).ShouldBe(100);
    }

    [Fact]
    public void Every_mistake_in_the_configuration_is_reported_at_once()
    {
        var configuration = new ConfigurationManager();
        configuration["Management:Port"] = "none";
        configuration["Ingress:EjectionSeconds"] = "soon";
        configuration["Ingress:RateLimits:Orders:Burts"] = "3";
        configuration["ReverseProxy:Clusters:backends:Destinations:a:Address"] = "nowhere";
        var errors = GatewayApplication.ConfigurationErrors(configuration);
        errors.Count.ShouldBe(5);
        errors.ShouldContain(error => error.StartsWith("Ingress:RateLimits:Orders:Burts: is not a setting", StringComparison.Ordinal));
        GatewayApplication.ConfigurationErrors(new ConfigurationManager()).Count.ShouldBe(2);
    }

    private Uri Management(string path) => new($"http://127.0.0.1:{managementPort}{path}");
}
