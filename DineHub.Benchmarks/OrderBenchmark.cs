using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using DineHub.Tests.Hosting;
using Spectre.Console;

namespace DineHub.Benchmarks;

/// <summary>
/// The same work through one layer more each: a closed loop of clients, the cases taking turns so that a noisy machine is noisy for all.
/// </summary>
internal static class OrderBenchmark
{
    private const string Slug = "trattoria-lucia";

    private sealed record Case(string Name, Func<HttpRequestMessage> Request, HttpClient Client, string Baseline)
    {
        public List<double> PerSecond { get; } = [];

        public List<double> Milliseconds { get; } = [];
    }

    public static async Task RunAsync(int requests, int clients, int rounds, CancellationToken ct)
    {
        var folder = Path.Combine(Directory.Exists("/var/tmp") ? "/var/tmp" : Path.GetTempPath(), $"dinehub-benchmark-{Environment.ProcessId}");
        try
        {
            // All clients have one address here.
            await using var cluster = await TestCluster.CreateAsync(
                folder,
                "auto",
                ("Ingress:RateLimits:Client:PerMinute", "1000000"),
                ("Ingress:RateLimits:Client:Burst", "100000"),
                ("Ingress:RateLimits:Orders:PerMinute", "1000000"),
                ("Ingress:RateLimits:Orders:Burst", "100000"));
            await cluster.StartAsync();
            await RunAsync(cluster, requests, clients, rounds, ct);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(TestCluster cluster, int requests, int clients, int rounds, CancellationToken ct)
    {
        using var gateway = cluster.CreateClient(cluster.Gateways[0].Url);
        using var backend = cluster.CreateClient(cluster.Backends[0].Url);
        var page = await gateway.GetFromJsonAsync<JsonElement>("/api/v1/restaurants?limit=100", ct);
        var id = page.GetProperty("items").EnumerateArray().First(r => r.GetProperty("slug").GetString() == Slug).GetProperty("id").GetString();

        HttpRequestMessage Menu() => new(HttpMethod.Get, $"/api/v1/restaurants/{id}/menu");
        HttpRequestMessage Order() => new(HttpMethod.Post, $"/api/v1/restaurants/{id}/orders")
        {
            Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } },
            Content = JsonContent.Create(new { fulfilment = new { type = "Table", table = "1" }, lines = new[] { new { itemId = "still-water", quantity = 1 } } }),
        };

        Case[] cases =
        [
            new("menu, one backend", Menu, backend, "menu, one backend"),
            new("menu, gateway", Menu, gateway, "menu, one backend"),
            new("order, one backend", Order, backend, "order, one backend"),
            new("order, gateway", Order, gateway, "order, one backend"),
        ];

        // Round 0 warms up and does not count.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var one in cases)
            {
                await RunAsync(one, requests, clients, counts: round > 0, ct);
            }
        }

        var table = new Table().AddColumns("Case", "per second", "ratio to one backend", "median ms", "p99 ms");
        foreach (var one in cases)
        {
            var baseline = cases.Single(other => other.Name == one.Baseline);
            table.AddRow(
                one.Name,
                $"{one.PerSecond.Average():0}",
                $"{one.PerSecond.Average() / baseline.PerSecond.Average():0.00}",
                $"{Percentile(one.Milliseconds, 0.5):0.0}",
                $"{Percentile(one.Milliseconds, 0.99):0.0}");
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine($"{requests} requests x {rounds} rounds, {clients} clients, {Environment.ProcessorCount} cores; 2 backends behind the gateway");
    }

    private static async Task RunAsync(Case one, int requests, int clients, bool counts, CancellationToken ct)
    {
        var left = requests;
        var latencies = new List<double>[clients];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(
            async () =>
            {
                latencies[client] = [];
                while (Interlocked.Decrement(ref left) >= 0)
                {
                    var start = Stopwatch.GetTimestamp();
                    using var request = one.Request();
                    using var response = await one.Client.SendAsync(request, ct);
                    response.EnsureSuccessStatusCode();
                    await response.Content.ReadAsByteArrayAsync(ct);
                    latencies[client].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            },
            ct)));
        if (counts)
        {
            one.PerSecond.Add(requests / clock.Elapsed.TotalSeconds);
            one.Milliseconds.AddRange(latencies.SelectMany(list => list));
        }
    }

    private static double Percentile(List<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[(int)Math.Ceiling(share * sorted.Count) - 1];
    }
}
