using System.Net;

namespace DineHub.Tests.Failover;

/// <summary>Servers that have no connection left for the API.</summary>
[Collection(FaultCollection.Name)]
public sealed class ConnectionShortageTests(FaultFixture fixture)
{
    private const string Worker = "db-worker-3";

    [Fact]
    public async Task A_worker_without_free_connections_fails_only_its_restaurants_orders()
    {
        await fixture.HealAsync();
        var (worker, _) = await fixture.GroupAsync(Worker);
        var (entry, _) = await fixture.GroupAsync(TestEngine.IsCitus ? "db-worker-1" : fixture.Options.Coordinator.Name);
        (await BurstAsync()).ShouldAllBe(answer => answer.Status == HttpStatusCode.Created);
        var before = await IdleSessions.OfTheApiAsync(fixture, entry.Name);
        before.ShouldNotBeEmpty();
        await using (var idle = await IdleSessions.TakeFreeAsync(fixture, worker.Name))
        {
            await idle.TakeAllAsync();
            var answers = await BurstAsync();
            answers.Select(answer => answer.Worker).ShouldContain(Worker);
            answers.Where(answer => answer.Worker == Worker).ShouldAllBe(answer => answer.Status == HttpStatusCode.ServiceUnavailable && answer.TellsWhenToRetry);
            answers.Where(answer => answer.Worker != Worker).ShouldAllBe(answer => answer.Status == HttpStatusCode.Created);
        }

        await fixture.TakeOrdersAsync();
        (await IdleSessions.OfTheApiAsync(fixture, entry.Name)).IsSupersetOf(before).ShouldBeTrue("the pool was not cleared");
    }

    [Fact]
    public async Task A_coordinator_without_free_connections_stops_no_order_where_they_enter_at_workers_and_elsewhere_tells_all_to_come_back()
    {
        await fixture.HealAsync();
        var (coordinator, _) = await fixture.GroupAsync(fixture.Options.Coordinator.Name);
        var backends = fixture.Cluster.Backends.Select(backend => backend.ProcessId).ToList();
        await using (var idle = await IdleSessions.TakeFreeAsync(fixture, coordinator.Name))
        {
            // Backends go on with the connections that they have, if those are enough. Npgsql takes the refusal of one (SQLSTATE class 53) for the end of the server
            // and clears the pool (PostgresErrorCodes.IsCriticalFailure, NpgsqlConnector.Break): any of these may be told to come back.
            var some = await BurstAsync();
            some.ShouldAllBe(answer => answer.Status == HttpStatusCode.Created || (answer.Status == HttpStatusCode.ServiceUnavailable && answer.TellsWhenToRetry));

            await idle.TakeAllAsync();
            var none = await BurstAsync();
            if (TestEngine.IsCitus)
            {
                none.ShouldAllBe(answer => answer.Status == HttpStatusCode.Created);
            }
            else
            {
                none.ShouldAllBe(answer => answer.Status == HttpStatusCode.ServiceUnavailable && answer.TellsWhenToRetry);
            }
        }

        await fixture.TakeOrdersAsync();
        fixture.Cluster.Backends.Select(backend => backend.ProcessId).ShouldBe(backends);
    }

    /// <summary>Orders of all restaurants at the same time, in both regions.</summary>
    private async Task<IReadOnlyList<(string Worker, HttpStatusCode Status, bool TellsWhenToRetry)>> BurstAsync() =>
        await Task.WhenAll(fixture.Restaurants.SelectMany(restaurant => new[] { fixture.Eu, fixture.Us }.Select(async client =>
        {
            using var response = await fixture.PlaceAsync(restaurant, client: client);
            return (restaurant.Worker, response.StatusCode, response.Headers.RetryAfter is not null);
        })));
}
