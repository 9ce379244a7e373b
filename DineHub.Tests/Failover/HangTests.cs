using System.Net;
using DineHub.AppHost.Running;

namespace DineHub.Tests.Failover;

/// <summary>Servers that accept connections and do not answer.</summary>
[Collection(FaultCollection.Name)]
public sealed class HangTests(FaultFixture fixture)
{
    private const string Worker = "db-worker-3";

    [Fact]
    public async Task A_coordinator_that_hangs_stops_no_order_where_they_enter_at_workers_and_elsewhere_leaves_each_there_once()
    {
        await fixture.HealAsync();
        var (coordinator, _) = await fixture.GroupAsync(fixture.Options.Coordinator.Name);
        var keys = fixture.Restaurants.ToDictionary(restaurant => restaurant, _ => Guid.NewGuid().ToString());
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        coordinator.Suspend();
        try
        {
            if (TestEngine.IsCitus)
            {
                await load.ReachAsync(40);
                await Eventually.TrueAsync(() => AreReadyAsync(HttpStatusCode.OK), "the backends can serve");
            }
            else
            {
                await ShouldBeRefusedAsync(keys);
                await Eventually.TrueAsync(() => AreReadyAsync(HttpStatusCode.ServiceUnavailable), "the backends say that they cannot serve");
            }
        }
        finally
        {
            coordinator.Resume();
        }

        await ShouldBeThereOnceAsync(keys);
        await Eventually.TrueAsync(() => AreReadyAsync(HttpStatusCode.OK), "the backends can serve");
        await load.ReachAsync(20);
        await load.StopAsync();
        await load.VerifyAsync();
        coordinator.State.ShouldBe(NodeState.Ready);
    }

    [Fact]
    public async Task A_hung_worker_delays_only_its_own_restaurants()
    {
        await fixture.HealAsync();
        var (worker, _) = await fixture.GroupAsync(Worker);
        var others = fixture.Restaurants.Where(restaurant => restaurant.Worker != Worker).ToList();
        others.ShouldNotBeEmpty();
        var keys = fixture.Restaurants.Except(others).ToDictionary(restaurant => restaurant, _ => Guid.NewGuid().ToString());
        keys.ShouldNotBeEmpty();
        worker.Suspend();
        try
        {
            var waiting = ShouldBeRefusedAsync(keys);
            foreach (var restaurant in others)
            {
                using var response = await fixture.PlaceAsync(restaurant);
                response.StatusCode.ShouldBe(HttpStatusCode.Created, restaurant.Worker);
            }

            await waiting;
        }
        finally
        {
            worker.Resume();
        }

        await ShouldBeThereOnceAsync(keys);
    }

    [Theory]
    [InlineData("db-worker-1")]
    [InlineData("db-worker-2")]
    public async Task A_server_that_hangs_where_statements_enter_is_passed_over(string entry)
    {
        await fixture.HealAsync();
        var (server, _) = await fixture.GroupAsync(entry);
        await using var load = new FaultLoad(fixture, worker => worker != entry);
        await load.ReachAsync(40);
        server.Suspend();
        try
        {
            // More than the requests that were under way when it was stopped: those of its region too go on.
            await load.ReachAsync(200);
            if (TestEngine.IsCitus)
            {
                await Eventually.TrueAsync(PassedOverAsync, "the backends of the region pass it over");
            }
        }
        finally
        {
            server.Resume();
        }

        await load.ReachAsync(40);
        await load.StopAsync();
        await load.VerifyAsync();

        async Task<bool> PassedOverAsync() => (await Task.WhenAll(fixture.Cluster.Backends.Where(backend => backend.Node.Region == server.Node.Region)
            .Select(backend => LogFile.ReadAsync(backend.LogFile)))).All(log => log.Contains($"{server.Port} accepts connections but does not answer", StringComparison.Ordinal));
    }

    private Task ShouldBeRefusedAsync(Dictionary<(Guid Id, string Worker, object Basket), string> keys) => Task.WhenAll(keys.Select(async pair =>
    {
        using var response = await fixture.PlaceAsync(pair.Key, pair.Value);
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable, await response.Content.ReadAsStringAsync());
        response.Headers.RetryAfter.ShouldNotBeNull();
    }));

    private async Task ShouldBeThereOnceAsync(Dictionary<(Guid Id, string Worker, object Basket), string> keys)
    {
        foreach (var (restaurant, key) in keys)
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var response = await fixture.PlaceAsync(restaurant, key, fixture.Us);
                    return response.StatusCode == HttpStatusCode.Created;
                },
                $"{restaurant.Worker} takes the order");
            (await fixture.KeysAsync(restaurant.Id)).Count(stored => stored == key).ShouldBe(1);
        }
    }

    private async Task<bool> AreReadyAsync(HttpStatusCode status)
    {
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = Tests.Cluster.ClusterFixture.Client(backend.Url);
            using var response = await client.GetAsync("/health/ready");
            if (response.StatusCode != status)
            {
                return false;
            }
        }

        return true;
    }
}
