using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using DineHub.AppHost.Local;
using DineHub.Gateway;
using DineHub.Gateway.Retries;
using DineHub.Ingress;
using DineHub.Tests.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.Gateway;

/// <summary>The gateway itself, in front of small servers that fail as they are told.</summary>
public sealed class GatewayTests : IAsyncLifetime, IDisposable
{
    private readonly PortAllocator ports = new();
    private readonly HttpClient client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly List<Backend> backends = [];
    private WebApplication? gateway;
    private int managementPort;

    public async Task InitializeAsync()
    {
        foreach (var (name, region) in new[] { ("eu-1", "eu"), ("eu-2", "eu"), ("us-1", "us") })
        {
            backends.Add(await Backend.StartAsync(name, region, ports.Next()));
        }

        var port = ports.Next();
        managementPort = ports.Next();
        List<string> args =
        [
            $"--urls=http://127.0.0.1:{port};http://127.0.0.1:{managementPort}",
            $"--Management:Port={managementPort}",
            "--DINEHUB_REGION=eu",
            "--environment=Production",
            "--Logging:LogLevel:Default=None",
            .. backends.SelectMany(backend => new[]
            {
                $"--ReverseProxy:Clusters:backends:Destinations:{backend.Name}:Address=http://127.0.0.1:{backend.Port}",
                $"--ReverseProxy:Clusters:backends:Destinations:{backend.Name}:Metadata:Region={backend.Region}",
            }),
        ];
        gateway = GatewayApplication.Build([.. args]);
        GatewayApplication.ConfigurationErrors(gateway.Configuration).ShouldBeEmpty();
        await gateway.StartAsync();
        client.BaseAddress = new Uri($"http://127.0.0.1:{port}");
    }

    public async Task DisposeAsync()
    {
        await gateway!.DisposeAsync();
        foreach (var backend in backends)
        {
            await backend.DisposeAsync();
        }
    }

    public void Dispose()
    {
        client.Dispose();
        ports.Dispose();
    }

    [Fact]
    public async Task Requests_stay_in_the_own_region_while_it_has_a_backend_and_spill_over_when_it_has_none()
    {
        (await AnsweredByAsync(40)).Keys.ShouldBe(["eu-1", "eu-2"], ignoreOrder: true);
        await backends[0].DisposeAsync();
        (await AnsweredByAsync(40)).Keys.ShouldBe(["eu-2"]);
        await backends[1].DisposeAsync();
        (await AnsweredByAsync(40)).Keys.ShouldBe(["us-1"]);
    }

    [Fact]
    public async Task A_backend_that_returns_gets_requests_again()
    {
        await backends[0].DisposeAsync();
        (await AnsweredByAsync(20)).Keys.ShouldBe(["eu-2"]);
        backends[0] = await Backend.StartAsync("eu-1", "eu", backends[0].Port);
        await Eventually.TrueAsync(async () => (await AnsweredByAsync(10)).ContainsKey("eu-1"), "the backend that has returned answers");
    }

    [Fact]
    public async Task A_post_with_a_key_whose_connection_breaks_is_sent_whole_to_another_backend()
    {
        foreach (var backend in backends.Take(2))
        {
            backend.Abort = true;
        }

        using var response = await PostAsync("/api/orders", "basket", key: "k1");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldBe("us-1 POST basket");
        backends.Sum(backend => backend.Aborted).ShouldBe(2);
    }

    [Fact]
    public async Task A_post_without_a_key_is_never_sent_twice()
    {
        foreach (var backend in backends)
        {
            backend.Abort = true;
        }

        using var response = await PostAsync("/api/orders", "basket", key: null);
        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        response.Headers.RetryAfter.ShouldNotBeNull();
        backends.Sum(backend => backend.Aborted).ShouldBe(1);
    }

    [Fact]
    public async Task There_are_at_most_three_tries()
    {
        foreach (var backend in backends)
        {
            backend.Abort = true;
        }

        using var response = await client.GetAsync("/api/x");
        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        backends.Select(backend => backend.Aborted).ShouldBe([1, 1, 1]);
    }

    [Theory]
    [InlineData("/health/ready")]
    [InlineData("/HEALTH/live")]
    [InlineData("/metrics")]
    [InlineData("/METRICS/")]
    [InlineData("/%6detrics")]
    [InlineData("//metrics")]
    [InlineData("/api/../metrics")]
    [InlineData("/api/%2e%2e/metrics")]
    [InlineData("/internal/x")]
    [InlineData("/")]
    public async Task What_is_not_for_the_public_is_not_there(string path)
    {
        // By a socket: HttpClient would tidy the path up first.
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, client.BaseAddress!.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{managementPort}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        (await reader.ReadToEndAsync()).ShouldStartWith("HTTP/1.1 404 ");
        backends.Sum(backend => backend.Requests).ShouldBe(0);
    }

    [Fact]
    public async Task Health_and_metrics_are_told_at_the_management_port_alone()
    {
        using var health = await client.GetAsync(new Uri($"http://127.0.0.1:{managementPort}/health/ready"));
        health.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var metrics = await client.GetAsync(new Uri($"http://127.0.0.1:{managementPort}/metrics"));
        metrics.StatusCode.ShouldBe(HttpStatusCode.OK);
        metrics.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        var samples = PrometheusText.Read(await metrics.Content.ReadAsStringAsync());
        samples.ShouldContain(sample => sample.Name == "target_info" && sample.Labels["cloud_region"] == "eu");
        samples.ShouldContain(sample => sample.Name.StartsWith("http_server_request_duration_seconds"));
        using var other = await client.GetAsync(new Uri($"http://127.0.0.1:{managementPort}/api/x"));
        other.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_the_limit_is_413_and_reaches_no_backend(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/orders")
        {
            // Not much over it where the length is not declared: a client that is still sending when the answer comes may not read it.
            Content = new ByteArrayContent(new byte[chunked ? new IngressPolicy().MaxBodyBytes + 1 : 10_000_000]),
        };
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = !chunked;
        using var response = await client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        backends.Sum(backend => backend.Completed).ShouldBe(0);
    }

    [Fact]
    public async Task What_a_client_says_of_where_it_comes_from_is_replaced()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/headers");
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        request.Headers.Add("X-Forwarded-Proto", "gopher");
        request.Headers.Add("Forwarded", "for=203.0.113.9");
        request.Headers.Add("X-Real-IP", "203.0.113.9");
        using var response = await client.SendAsync(request);
        var seen = (await response.Content.ReadFromJsonAsync<Dictionary<string, string>>())!;
        seen["X-Forwarded-For"].ShouldBe("127.0.0.1");
        seen["X-Forwarded-Proto"].ShouldBe("http");
        seen.Keys.ShouldNotContain("Forwarded");
        seen.Keys.ShouldNotContain("X-Real-IP");
        response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        response.Headers.Contains("Server").ShouldBeFalse();
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
        configuration["ReverseProxy:Clusters:backends:Destinations:a:Address"] = "nowhere";
        GatewayApplication.ConfigurationErrors(configuration).Count.ShouldBe(3);
        GatewayApplication.ConfigurationErrors(new ConfigurationManager()).Count.ShouldBe(2);
    }

    private async Task<Dictionary<string, int>> AnsweredByAsync(int requests)
    {
        var answers = new Dictionary<string, int>();
        for (var i = 0; i < requests; i++)
        {
            var name = (await client.GetStringAsync("/api/x")).Split(' ')[0];
            answers[name] = answers.GetValueOrDefault(name) + 1;
        }

        return answers;
    }

    private Task<HttpResponseMessage> PostAsync(string path, string body, string? key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        if (key is not null)
        {
            request.Headers.Add(IngressHeaders.IdempotencyKey, key);
        }

        return client.SendAsync(request);
    }

    private sealed class Backend(string name, string region, int port, WebApplication app) : IAsyncDisposable
    {
        private int requests;
        private int aborted;
        private int completed;

        public string Name { get; } = name;

        public string Region { get; } = region;

        public int Port { get; } = port;

        public bool Abort { get; set; }

        public int Requests => requests;

        public int Aborted => aborted;

        public int Completed => completed;

        public static async Task<Backend> StartAsync(string name, string region, int port)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
            var app = builder.Build();
            var backend = new Backend(name, region, port, app);
            app.Run(backend.AnswerAsync);
            await app.StartAsync();
            return backend;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private async Task AnswerAsync(HttpContext http)
        {
            if (http.Request.Path.StartsWithSegments("/health"))
            {
                return;
            }

            Interlocked.Increment(ref requests);
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync();
            if (Abort)
            {
                Interlocked.Increment(ref aborted);
                http.Abort();
                return;
            }

            Interlocked.Increment(ref completed);
            await http.Response.WriteAsync(http.Request.Path == "/api/headers"
                ? JsonSerializer.Serialize(http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()))
                : $"{Name} {http.Request.Method} {body}".TrimEnd());
        }
    }
}
