using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Tests.Cluster;

namespace DineHub.Tests.Failover;

/// <summary>
/// Operators who change profiles of the directory, one restaurant through each region's gateway, each with a number that grows: on Citus, two-phase commits that begin
/// at different nodes.
/// </summary>
internal sealed class DirectoryLoad : IAsyncDisposable
{
    private const string Restaurants = "/api/v1/restaurants";

    private readonly CancellationTokenSource stop = new();
    private readonly FailoverFixture fixture;
    private readonly ConcurrentDictionary<Guid, int> sent = new();
    private readonly ConcurrentDictionary<Guid, int> acknowledged = new();
    private readonly Task writers;

    private DirectoryLoad(FailoverFixture fixture, IReadOnlyList<(HttpClient Client, Guid Restaurant)> restaurants)
    {
        this.fixture = fixture;
        writers = Task.WhenAll(restaurants.Select(one => Task.Run(() => WriteAsync(one.Client, one.Restaurant))));
    }

    /// <summary>What is in the directory at least: the last number that was acknowledged for each restaurant.</summary>
    public IReadOnlyDictionary<Guid, int> Acknowledged => acknowledged.ToDictionary();

    /// <summary>What is in the directory at most: the last number that was sent for each.</summary>
    public IReadOnlyDictionary<Guid, int> Sent => sent.ToDictionary();

    /// <summary>Creates the restaurants and starts.</summary>
    /// <param name="fixture">The cluster.</param>
    public static async Task<DirectoryLoad> StartAsync(FailoverFixture fixture) =>
        new(fixture, [(fixture.Eu, await CreateAsync(fixture, "eu-west-1")), (fixture.Us, await CreateAsync(fixture, "us-east-1"))]);

    /// <summary>Waits for changes of each restaurant.</summary>
    /// <param name="changes">How many more.</param>
    public Task ReachAsync(int changes)
    {
        var before = Acknowledged;
        return Eventually.TrueAsync(
            () => acknowledged.Count == 2 && acknowledged.All(one => one.Value >= before.GetValueOrDefault(one.Key) + changes),
            $"{changes} more changes of each restaurant are acknowledged");
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await writers.OrFailAsync("the operators have left off", Deadline.Long);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    private static async Task<Guid> CreateAsync(FailoverFixture fixture, string region)
    {
        using var request = Request(fixture, HttpMethod.Post, Restaurants, new JsonObject
        {
            ["slug"] = "directory-" + Guid.NewGuid().ToString("n"),
            ["region"] = region,
            ["currency"] = "EUR",
            ["profile"] = TestRestaurant.Profile(),
        });
        using var response = await fixture.Eu.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    private static HttpRequestMessage Request(FailoverFixture fixture, HttpMethod method, string path, JsonObject body) => new(method, path)
    {
        Content = JsonContent.Create(body),
        Headers = { Authorization = new AuthenticationHeaderValue("Bearer", fixture.Cluster.OperatorKey) },
    };

    private async Task WriteAsync(HttpClient client, Guid restaurant)
    {
        for (var number = 1; !stop.IsCancellationRequested; number++)
        {
            sent[restaurant] = number;
            using var request = Request(
                fixture, HttpMethod.Put, $"{Restaurants}/{restaurant}", TestRestaurant.Profile(profile => profile["description"] = FormattableString.Invariant($"{number}")));
            request.Headers.TryAddWithoutValidation("If-Match", "*");
            try
            {
                using var response = await client.SendAsync(request);
                if (response.IsSuccessStatusCode)
                {
                    acknowledged[restaurant] = number;
                    continue;
                }
            }
            catch (HttpRequestException)
            {
            }

            await Task.Delay(100);
        }
    }
}
