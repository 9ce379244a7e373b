using System.Net;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Database.Connections;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace DineHub.Tests.Cluster;

/// <summary>The kitchen's queue and a customer's order as server-sent events, through the gateways.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StreamTests(ClusterFixture fixture)
{
    [Fact]
    public async Task A_queue_begins_with_what_is_open_and_goes_on_with_every_change_at_any_replica()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var open = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        var over = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        await restaurant.AdvanceAsync(over, "Rejected", "Other");

        await using var queue = await WatchAsync(restaurant, fixture.Eu);
        var (first, _) = await queue.UntilLiveAsync();
        first.Select(order => order.GetProperty("id").GetGuid()).ShouldBe([open]);
        first[0].TryGetProperty("trackingToken", out _).ShouldBeFalse();

        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            var placed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)), client)).Expect(HttpStatusCode.Created).Id;
            (await queue.NextOrderAsync()).Order.GetProperty("id").GetGuid().ShouldBe(placed);
            await restaurant.AdvanceAsync(placed, "Accepted", client: client);
            var (accepted, _) = await queue.NextOrderAsync();
            (accepted.GetProperty("id").GetGuid(), accepted.GetProperty("status").GetString()).ShouldBe((placed, "Accepted"));
        }
    }

    [Fact]
    public async Task Every_watcher_at_every_replica_sees_a_change()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var streams = new List<EventStream>();
        try
        {
            foreach (var backend in fixture.Cluster.Backends)
            {
                streams.Add(await WatchAsync(restaurant, ClusterFixture.Client(backend.Url)));
                await streams[^1].UntilLiveAsync();
            }

            var placed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Id;
            foreach (var stream in streams)
            {
                (await stream.NextOrderAsync()).Order.GetProperty("id").GetGuid().ShouldBe(placed);
            }
        }
        finally
        {
            foreach (var stream in streams)
            {
                await stream.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_watcher_who_comes_back_is_told_what_it_has_missed_also_what_has_left_the_queue()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var before = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        string? last;
        await using (var queue = await WatchAsync(restaurant, fixture.Eu))
        {
            (_, last) = await queue.UntilLiveAsync();
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)))).Expect(HttpStatusCode.Created);
            (_, last) = await queue.NextOrderAsync();
        }

        await restaurant.AdvanceAsync(before, "Rejected", "Other");
        var missed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)), fixture.Us)).Id;
        await using var again = await WatchAsync(restaurant, fixture.Us, last);
        var (orders, _) = await again.UntilLiveAsync();
        orders.ShouldContain(order => order.GetProperty("id").GetGuid() == missed);
        orders.ShouldContain(order => order.GetProperty("id").GetGuid() == before && order.GetProperty("status").GetString() == "Rejected");
    }

    [Theory]
    [InlineData("rubbish")]
    [InlineData("1")]
    [InlineData("9223372036854775807")]
    public async Task An_invalid_position_restarts_the_stream(string lastEventId)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var open = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        await using var queue = await WatchAsync(restaurant, fixture.Eu, lastEventId);
        (await queue.UntilLiveAsync()).Orders.Select(order => order.GetProperty("id").GetGuid()).ShouldBe([open]);
    }

    [Fact]
    public async Task A_quiet_stream_is_kept_open_by_heartbeats()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        await using var queue = await WatchAsync(restaurant, fixture.Us);
        await queue.UntilLiveAsync();
        (await queue.NextAsync(heartbeats: true))!.Value.EventType.ShouldBe("heartbeat");
        var placed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        (await queue.NextOrderAsync()).Order.GetProperty("id").GetGuid().ShouldBe(placed);
    }

    [Fact]
    public async Task A_customer_follows_an_order_to_its_end_and_is_told_not_to_come_back()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Json;
        var id = order.GetProperty("id").GetGuid();
        var path = $"{restaurant.Path}/orders/{id}/events?token={order.GetProperty("trackingToken").GetString()}";
        await using var stream = await EventStream.OpenAsync(fixture.Us, path);
        (await stream.NextOrderAsync()).Order.GetProperty("status").GetString().ShouldBe("Placed");
        var lastId = "";
        foreach (var status in new[] { "Accepted", "Preparing", "Ready", "Completed" })
        {
            await restaurant.AdvanceAsync(id, status);
            var (current, eventId) = await stream.NextOrderAsync();
            current.GetProperty("status").GetString().ShouldBe(status);
            lastId = eventId!;
        }

        (await stream.NextAsync()).ShouldBeNull("the order is over, and with it the stream");
        (await restaurant.SendAsync(HttpMethod.Get, path[restaurant.Path.Length..], headers: [("Last-Event-ID", lastId)])).Expect(HttpStatusCode.NoContent);
        await using var again = await EventStream.OpenAsync(fixture.Eu, path, lastEventId: "3");
        (await again.NextOrderAsync()).Order.GetProperty("status").GetString().ShouldBe("Completed");

        await using var staff = await EventStream.OpenAsync(fixture.Eu, $"{restaurant.Path}/orders/{id}/events", fixture.Cluster.OperatorKey);
        (await staff.NextOrderAsync()).Order.TryGetProperty("trackingToken", out _).ShouldBeFalse("the token is the customer's");
    }

    [Fact]
    public async Task A_stream_ends_when_the_token_expires_that_it_was_opened_with()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        using var database = ApiConnections.Create(fixture.Cluster.ApiConnectionString);
        using var cache = new MemoryCache(new MemoryCacheOptions());
        var lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        var orders = new OrderStore(database);
        var streams = new OrderStreams(
            new OrderFeed(orders, TimeProvider.System, NullLogger<OrderFeed>.Instance), orders, TimeProvider.System, lifetime);
        var menu = (await new MenuCatalog(database, cache, TimeProvider.System).FindAsync(restaurant.Id, CancellationToken.None))!;
        var events = 0;
        await foreach (var item in streams.QueueAsync(menu, lastEventId: null, DateTimeOffset.UtcNow.AddSeconds(2), CancellationToken.None))
        {
            item.EventType.ShouldBe("live");
            events++;
        }

        events.ShouldBe(1);
    }

    [Fact]
    public async Task A_wrong_token_is_404_like_a_missing_order()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        var wrong = (await restaurant.SendAsync(HttpMethod.Get, $"/orders/{order}/events?token=wrong")).Expect(HttpStatusCode.NotFound).Json;
        var missing = (await restaurant.SendAsync(HttpMethod.Get, $"/orders/{Guid.NewGuid()}/events?token=wrong")).Expect(HttpStatusCode.NotFound).Json;
        foreach (var member in new[] { "type", "title", "status", "reason" })
        {
            wrong.GetProperty(member).ToString().ShouldBe(missing.GetProperty(member).ToString());
        }
    }

    [Fact]
    public async Task A_replica_that_stops_ends_its_streams_at_once_and_the_watcher_goes_on_at_another()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var node = fixture.Cluster.Backends[0];
        using var direct = ClusterFixture.Client(node.Url);
        await using var queue = await WatchAsync(restaurant, direct);
        var (_, last) = await queue.UntilLiveAsync();
        await node.StopAsync();
        try
        {
            (await queue.NextAsync()).ShouldBeNull();
            var placed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created).Id;
            await using var again = await WatchAsync(restaurant, fixture.Eu, last);
            (await again.UntilLiveAsync()).Orders.ShouldContain(order => order.GetProperty("id").GetGuid() == placed);
        }
        finally
        {
            await node.StartAsync(CancellationToken.None);
        }
    }

    private Task<EventStream> WatchAsync(TestRestaurant restaurant, HttpClient client, string? lastEventId = null) =>
        EventStream.OpenAsync(client, $"{restaurant.Path}/kitchen/events", fixture.Cluster.OperatorKey, lastEventId);
}
