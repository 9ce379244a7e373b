using System.Net;
using DineHub.AppHost.Running;

namespace DineHub.Tests.Cluster;

/// <summary>Breaks the running cluster, looks at what its customers see, and mends it again.</summary>
[Collection(ClusterCollection.Name)]
public sealed class FaultTests(ClusterFixture fixture)
{
    private const string Lucia = "trattoria-lucia";

    [Fact]
    public async Task Killing_one_of_two_backends_under_load_costs_no_failed_request()
    {
        await using var load = OrderLoad.Start(fixture, Lucia, clients: 4);
        await load.ReachAsync(40);
        await fixture.Cluster.Node("backend-eu-1").KillAsync();
        await load.ReachAsync(120);
        await fixture.Cluster.Node("backend-eu-1").StartAsync(CancellationToken.None);
        await load.ReachAsync(160);
        await load.StopAsync();

        load.Failures.ShouldBeEmpty();
        load.Answered.ShouldContainKey("backend-eu-2");
        await load.StoredOnceAsync();
    }

    [Fact]
    public async Task A_backend_that_crashes_is_started_again_by_itself()
    {
        var node = fixture.Cluster.Node("backend-us-2");
        var restarts = node.Restarts;
        using (var process = System.Diagnostics.Process.GetProcessById(node.ProcessId!.Value))
        {
            process.Kill();
        }

        await Eventually.TrueAsync(() => node.Restarts > restarts && node.State == NodeState.Ready, "the backend runs again");
        fixture.Cluster.Nodes.ShouldAllBe(other => other.State == NodeState.Ready);
    }

    [Fact]
    public async Task Killing_a_worker_fails_only_its_restaurants_and_restarting_it_heals_them()
    {
        var worker = fixture.Restaurants[Lucia].Worker;
        var lost = fixture.AlwaysOpen.Where(slug => fixture.Restaurants[slug].Worker == worker).ToList();
        var kept = fixture.AlwaysOpen.Except(lost).ToList();
        kept.ShouldNotBeEmpty();
        var baskets = new Dictionary<string, object>();
        foreach (var slug in fixture.AlwaysOpen)
        {
            baskets[slug] = await fixture.AnyBasketAsync(slug);
        }

        await fixture.Cluster.Node(worker).KillAsync();
        try
        {
            // The client gives up long before a request that waits for a dead worker would end; each is told at once.
            using var eu = fixture.Cluster.CreateClient(fixture.Cluster.Gateway("eu-west-1").Url);
            foreach (var slug in lost)
            {
                using var response = await ClusterFixture.PlaceAsync(eu, fixture.OrdersOf(slug), baskets[slug]);
                response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
                response.Headers.RetryAfter.ShouldNotBeNull();
                response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
            }

            foreach (var slug in kept)
            {
                using var response = await ClusterFixture.PlaceAsync(fixture.Us, fixture.OrdersOf(slug), baskets[slug]);
                response.StatusCode.ShouldBe(HttpStatusCode.Created, slug);
            }

            using var directory = await fixture.Eu.GetAsync("/api/v1/restaurants?limit=100");
            directory.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            await fixture.Cluster.Node(worker).StartAsync(CancellationToken.None);
        }

        foreach (var slug in lost)
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var response = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(slug), baskets[slug]);
                    return response.StatusCode == HttpStatusCode.Created;
                },
                $"{slug} takes orders again");
        }
    }

    [Fact]
    public async Task Killing_all_backends_of_a_region_spills_to_the_other_and_comes_back()
    {
        var euBackends = fixture.Cluster.Backends.Where(backend => backend.Node.Region == "eu-west-1").ToList();
        await Task.WhenAll(euBackends.Select(backend => backend.KillAsync()));
        try
        {
            for (var i = 0; i < 20; i++)
            {
                using var response = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
                response.StatusCode.ShouldBe(HttpStatusCode.Created);
                response.Headers.GetValues("X-DineHub-Region").ShouldBe(["us-east-1"]);
            }
        }
        finally
        {
            await Task.WhenAll(euBackends.Select(backend => backend.StartAsync(CancellationToken.None)));
        }

        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await fixture.Eu.GetAsync("/api/v1/restaurants");
                return response.Headers.GetValues("X-DineHub-Region").Single() == "eu-west-1";
            },
            "the region's own backends answer again");
    }

    [Fact]
    public async Task Without_the_coordinator_orders_go_on_where_they_enter_at_workers_and_are_told_to_try_again_where_not()
    {
        await fixture.Cluster.Coordinator.KillAsync();
        try
        {
            foreach (var client in new[] { fixture.Eu, fixture.Us })
            {
                using var response = await ClusterFixture.PlaceAsync(client, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
                response.StatusCode.ShouldBe(TestEngine.IsCitus ? HttpStatusCode.Created : HttpStatusCode.ServiceUnavailable);
                response.Headers.Contains("Retry-After").ShouldBe(!TestEngine.IsCitus);
            }
        }
        finally
        {
            await fixture.Cluster.Coordinator.StartAsync(CancellationToken.None);
        }

        // Each of the replicas by itself: 20 orders in a row, 10 through either gateway.
        await Eventually.TrueAsync(
            async () =>
            {
                for (var i = 0; i < 20; i++)
                {
                    using var response = await ClusterFixture.PlaceAsync(i % 2 == 0 ? fixture.Eu : fixture.Us, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
                    if (response.StatusCode != HttpStatusCode.Created)
                    {
                        return false;
                    }
                }

                return true;
            },
            "orders are taken again");
    }
}
