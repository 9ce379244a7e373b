using System.Collections.Concurrent;
using System.Net;

namespace DineHub.Tests.Failover;

/// <summary>
/// Customers who order while things break: each sends the same order, with the same key, until it is acknowledged, as a client should. What was
/// acknowledged must be there once whatever happens; what was refused must not be there half.
/// </summary>
internal sealed class FaultLoad : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly FailoverFixture fixture;
    private readonly Task clients;

    public FaultLoad(FailoverFixture fixture, Func<string, bool>? workers = null)
    {
        this.fixture = fixture;
        var restaurants = fixture.Restaurants.Where(restaurant => workers?.Invoke(restaurant.Worker) ?? true).GroupBy(restaurant => restaurant.Worker).SelectMany(group => group.Take(2)).ToList();
        clients = Task.WhenAll(restaurants.Select((restaurant, i) => Task.Run(() => OrderAsync(i % 2 == 0 ? fixture.Eu : fixture.Us, restaurant.Id, restaurant.Basket))));
    }

    public ConcurrentDictionary<Guid, ConcurrentBag<string>> Acknowledged { get; } = new();

    /// <summary>Answers that are neither an order nor "try again".</summary>
    public ConcurrentBag<string> Faults { get; } = [];

    public int Refused => refused;

    private int refused;
    private int acknowledged;

    public Task ReachAsync(int orders)
    {
        var target = acknowledged + orders;
        return Eventually.TrueAsync(() => acknowledged >= target, $"{orders} more orders are acknowledged (now {acknowledged}, refused {refused}, faults: {string.Join("; ", Faults.Take(3))})");
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await clients.OrFailAsync("the clients have left off", Deadline.Long);
    }

    /// <summary>Every acknowledged order is stored exactly once.</summary>
    public async Task VerifyAsync()
    {
        Faults.ShouldBeEmpty();
        foreach (var (restaurant, keys) in Acknowledged)
        {
            var stored = await fixture.KeysAsync(restaurant);
            stored.ShouldBeUnique();
            keys.Except(stored).ShouldBeEmpty($"acknowledged orders of {restaurant} are lost");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    private async Task OrderAsync(HttpClient client, Guid restaurant, object basket)
    {
        var key = Guid.NewGuid().ToString();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var response = await Cluster.ClusterFixture.PlaceAsync(client, $"/api/v1/restaurants/{restaurant}/orders", basket, key);
                if (response.IsSuccessStatusCode)
                {
                    Acknowledged.GetOrAdd(restaurant, _ => []).Add(key);
                    Interlocked.Increment(ref acknowledged);
                    key = Guid.NewGuid().ToString();
                    continue;
                }

                Interlocked.Increment(ref refused);
                if (response.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout or HttpStatusCode.Conflict))
                {
                    Faults.Add($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
                    return;
                }
            }
            catch (HttpRequestException)
            {
                Interlocked.Increment(ref refused);
            }

            await Task.Delay(100);
        }
    }
}
