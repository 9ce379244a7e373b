using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace DineHub.Tests.Cluster;

/// <summary>Clients that place one order after the other at one restaurant, through one gateway.</summary>
internal sealed class OrderLoad : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ClusterFixture fixture;
    private readonly string slug;
    private Task clients = Task.CompletedTask;

    private OrderLoad(ClusterFixture fixture, string slug)
    {
        this.fixture = fixture;
        this.slug = slug;
    }

    public ConcurrentBag<string> Failures { get; } = [];

    public ConcurrentBag<string> Acknowledged { get; } = [];

    public ConcurrentDictionary<string, int> Answered { get; } = new();

    /// <summary>At trattoria-lucia, through the gateway of eu-west-1.</summary>
    public static OrderLoad Start(ClusterFixture fixture, string slug, int clients) =>
        Start(fixture, slug, clients, fixture.Eu, ClusterFixture.Basket(), total: 3500);

    /// <param name="fixture">The cluster.</param>
    /// <param name="slug">The restaurant.</param>
    /// <param name="clients">How many.</param>
    /// <param name="gateway">The gateway.</param>
    /// <param name="basket">What each orders.</param>
    /// <param name="total">What it costs; null where that does not matter.</param>
    public static OrderLoad Start(ClusterFixture fixture, string slug, int clients, HttpClient gateway, object basket, long? total = null)
    {
        var load = new OrderLoad(fixture, slug);
        load.clients = Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(() => load.RunAsync(gateway, basket, total))));
        return load;
    }

    public Task ReachAsync(int orders)
    {
        var target = Acknowledged.Count + orders;
        return Eventually.TrueAsync(() => Acknowledged.Count + Failures.Count >= target, $"{orders} more orders are placed");
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await clients.OrFailAsync("the clients have left off", Deadline.Long);
    }

    public async Task StoredOnceAsync()
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand("SELECT idempotency_key FROM orders WHERE restaurant_id = $1 AND idempotency_key = ANY ($2)");
        command.Parameters.AddWithValue(fixture.IdOf(slug));
        command.Parameters.AddWithValue(Acknowledged.ToArray());
        await using var reader = await command.ExecuteReaderAsync();
        var stored = new List<string>();
        while (await reader.ReadAsync())
        {
            stored.Add(reader.GetString(0));
        }

        stored.Order().ShouldBe(Acknowledged.Order());
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    private async Task RunAsync(HttpClient gateway, object basket, long? total)
    {
        while (!stop.IsCancellationRequested)
        {
            var key = Guid.NewGuid().ToString();
            try
            {
                using var response = await ClusterFixture.PlaceAsync(gateway, fixture.OrdersOf(slug), basket, key);
                if (response.StatusCode != HttpStatusCode.Created)
                {
                    Failures.Add($"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                    continue;
                }

                var charged = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("total").GetInt64();
                charged.ShouldBe(total ?? charged);
                Acknowledged.Add(key);
                Answered.AddOrUpdate(response.Headers.GetValues("X-DineHub-Node").Single(), 1, (_, count) => count + 1);
            }
            catch (HttpRequestException e)
            {
                Failures.Add(e.Message);
            }
        }
    }
}
