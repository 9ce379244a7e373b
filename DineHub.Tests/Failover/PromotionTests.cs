using System.Net;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using DineHub.Tests.Hosting;

namespace DineHub.Tests.Failover;

/// <summary>Database nodes are lost while customers order, and their standbys take over. Each test leaves a whole cluster behind.</summary>
[Collection(FailoverCollection.Name)]
public sealed class PromotionTests(FailoverFixture fixture)
{
    private const string Worker = "db-worker-1";
    private static readonly PromotionConsent NoConsent = new(Lost: false, AcceptLoss: false);

    [Fact]
    public async Task Every_group_has_a_synchronous_standby_in_another_region_and_status_shows_it()
    {
        await fixture.HealAsync();
        var status = await DineHub.Database.Cluster.DatabaseStatus.ReadAsync(fixture.Options, CancellationToken.None);
        status.Replication.Count.ShouldBe(4);
        status.Replication.ShouldAllBe(group => group.InSync && group.Lag!.IsStreaming && group.Lag.IsSynchronous && group.Lag.Bytes != null);
        foreach (var group in fixture.Options.Groups)
        {
            group.Standby!.Region.ShouldNotBe(group.Home.Region);
        }

        await using var primary = fixture.Connect((await fixture.GroupAsync(Worker)).Primary.Name);
        await using var checksums = primary.CreateCommand("SHOW data_checksums");
        (await checksums.ExecuteScalarAsync()).ShouldBe("on");
    }

    [Fact]
    public async Task Concurrent_slot_creation_is_idempotent()
    {
        await fixture.HealAsync();
        await using var primary = fixture.Connect((await fixture.GroupAsync(Worker)).Primary.Name);
        var connections = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => primary.OpenConnectionAsync().AsTask()));
        for (var round = 0; round < 25; round++)
        {
            await Task.WhenAll(connections.Select(connection => ReplicationSlot.EnsureAsync(connection, "unused", CancellationToken.None)));
            await using var drop = primary.CreateCommand("SELECT pg_drop_replication_slot('unused')");
            await drop.ExecuteNonQueryAsync();
        }

        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_replaced_by_its_standby_and_comes_back_as_one()
    {
        await fixture.HealAsync();
        var (old, next) = await fixture.GroupAsync(Worker);
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await old.KillAsync();
        await fixture.Cluster.PromoteAsync(Worker, CancellationToken.None);
        await load.ReachAsync(40);
        await old.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => fixture.InSyncAsync(Worker), "the old primary follows the new one");
        await load.ReachAsync(10);
        await load.StopAsync();

        (await fixture.GroupAsync(Worker)).ShouldBe((next, old));
        await load.VerifyAsync();
    }

    [Fact]
    public async Task A_worker_whose_disk_is_lost_loses_no_acknowledged_order()
    {
        await fixture.HealAsync();
        var (old, _) = await fixture.GroupAsync("db-worker-2");
        await using var load = new FaultLoad(fixture, worker => worker == "db-worker-2");
        await load.ReachAsync(20);
        await old.KillAsync();
        Directory.Delete(old.DataDirectory, recursive: true);
        await fixture.Cluster.PromoteAsync("db-worker-2", CancellationToken.None);
        await load.ReachAsync(10);
        await load.StopAsync();
        await load.VerifyAsync();
        await fixture.HealAsync();
        (await File.ReadAllTextAsync(old.LogFile)).ShouldContain($"{old.Name} is copied from");
    }

    [Fact]
    public async Task The_coordinator_is_replaced_and_backends_find_the_new_one_by_themselves()
    {
        await fixture.HealAsync();
        var group = fixture.Options.Coordinator.Name;
        var (old, next) = await fixture.GroupAsync(group);
        var backends = fixture.Cluster.Backends.Select(backend => backend.ProcessId).ToList();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await old.KillAsync();
        await fixture.Cluster.PromoteAsync(group, CancellationToken.None);
        await load.ReachAsync(40);
        await old.StartAsync(CancellationToken.None);
        await load.ReachAsync(40);
        await load.StopAsync();

        (await fixture.GroupAsync(group)).ShouldBe((next, old));
        fixture.Cluster.Backends.Select(backend => backend.ProcessId).ShouldBe(backends);
        await load.VerifyAsync();
    }

    [Fact]
    public async Task A_primary_that_works_is_fenced_before_its_standby_takes_over_and_nothing_is_lost()
    {
        await fixture.HealAsync();
        var (old, next) = await fixture.GroupAsync("db-worker-3");
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await fixture.Cluster.PromoteAsync("db-worker-3", CancellationToken.None);
        await load.ReachAsync(40);
        await Eventually.TrueAsync(() => fixture.InSyncAsync("db-worker-3"), "the old primary was started again, as a standby");
        await load.StopAsync();

        (await fixture.GroupAsync("db-worker-3")).ShouldBe((next, old));
        await load.VerifyAsync();
    }

    [Fact]
    public async Task A_former_primary_does_not_start_as_a_second_one_while_the_new_one_is_down()
    {
        await fixture.HealAsync();
        var (old, next) = await fixture.GroupAsync(Worker);
        await old.KillAsync();
        await fixture.Cluster.PromoteAsync(Worker, CancellationToken.None);
        await next.KillAsync();
        var coming = old.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(async () => (await LogFile.ReadAsync(old.LogFile)).Contains("is no longer the primary and waits for", StringComparison.Ordinal), "the former primary waits");
        coming.IsCompleted.ShouldBeFalse();
        (await ProbeAsync(old)).State.ShouldBe(ServerState.Down);

        await next.StartAsync(CancellationToken.None);
        await coming;
        (await ProbeAsync(old)).State.ShouldBe(ServerState.Standby);
        await fixture.HealAsync();
    }

    [Fact]
    public async Task A_primary_that_hangs_is_replaced_only_if_the_operator_says_that_it_is_cut_off_and_is_ended_when_it_wakes_up()
    {
        await fixture.HealAsync();
        var (old, next) = await fixture.GroupAsync(Worker);
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        old.Suspend();
        var refusal = await Should.ThrowAsync<DatabaseSetupException>(() => PromoteAsync(Worker, NoConsent));
        refusal.Message.ShouldContain("may still take writes");
        refusal.Message.ShouldContain("--lost");
        await PromoteAsync(Worker, NoConsent with { Lost = true });
        await load.ReachAsync(20);

        // Two servers say that they are the primary, until the keeper has seen it.
        old.Resume();
        await Eventually.TrueAsync(() => fixture.InSyncAsync(Worker), "the old primary follows the new one");
        await load.ReachAsync(10);
        await load.StopAsync();
        (await fixture.GroupAsync(Worker)).ShouldBe((next, old));
        (await LogFile.ReadAsync(fixture.Cluster.Keepers.Single().LogFile)).ShouldContain($"{old.Name} is a second primary of {Worker}");
        await load.VerifyAsync();
    }

    [Fact]
    public async Task Commits_that_only_the_old_primary_has_are_not_given_up_unasked()
    {
        await fixture.HealAsync();
        var (old, standby) = await fixture.GroupAsync("db-worker-3");
        var restaurant = fixture.Restaurants.First(candidate => candidate.Worker == "db-worker-3");
        await standby.KillAsync();
        await Eventually.TrueAsync(async () => await PlaceAsync(restaurant, Guid.NewGuid()) == HttpStatusCode.Created, "the primary goes on alone");
        await old.KillAsync();
        await standby.StartAsync(CancellationToken.None);
        var refusal = await Should.ThrowAsync<DatabaseSetupException>(() => PromoteAsync("db-worker-3", NoConsent));
        refusal.Message.ShouldContain("--accept-loss");
        (await ProbeAsync(standby)).State.ShouldBe(ServerState.Standby);
        await fixture.HealAsync();
        (await fixture.GroupAsync("db-worker-3")).ShouldBe((old, standby));
    }

    [Fact]
    public async Task Orders_wait_for_the_standby_and_continue_without_it_after_the_timeout()
    {
        await fixture.HealAsync();
        var (primary, standby) = await fixture.GroupAsync("db-worker-2");
        var restaurant = fixture.Restaurants.First(candidate => candidate.Worker == "db-worker-2");
        var key = Guid.NewGuid();
        var keeper = fixture.Cluster.Keepers.Single();
        await keeper.StopAsync();
        standby.Suspend();
        try
        {
            // Once as a new order, then as a replay of one that is on the primary's disk only.
            (await PlaceAsync(restaurant, key)).ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await PlaceAsync(restaurant, key)).ShouldBe(HttpStatusCode.ServiceUnavailable);

            await keeper.StartAsync(CancellationToken.None);
            await Eventually.TrueAsync(async () => await PlaceAsync(restaurant, key) is HttpStatusCode.Created or HttpStatusCode.OK, "the primary goes on alone");
            (await fixture.InSyncAsync("db-worker-2")).ShouldBeFalse();
            (await LogFile.ReadAsync(keeper.LogFile)).ShouldContain("db-worker-2: DEGRADED to durability Local");
        }
        finally
        {
            standby.Resume();
            await keeper.StartAsync(CancellationToken.None);
        }

        await Eventually.TrueAsync(() => fixture.InSyncAsync("db-worker-2"), "commits wait for the standby again");
        (await fixture.KeysAsync(restaurant.Id)).Count(stored => stored == key.ToString()).ShouldBe(1);
        (await fixture.GroupAsync("db-worker-2")).ShouldBe((primary, standby));
    }

    [Fact]
    public async Task A_name_that_is_none_and_a_server_that_is_the_primary_already_are_refused()
    {
        await fixture.HealAsync();
        (await Should.ThrowAsync<DatabaseSetupException>(() => PromoteAsync("db-worker-9", NoConsent))).Message.ShouldContain("db-worker-3");
        var (primary, standby) = await fixture.GroupAsync("db-worker-3");
        await standby.StopAsync();
        (await Should.ThrowAsync<DatabaseSetupException>(() => PromoteAsync("db-worker-3", NoConsent))).Message.ShouldContain($"'{standby.Name}' cannot be promoted: it is Down");
        (await ProbeAsync(primary)).State.ShouldBe(ServerState.Primary);
        await fixture.HealAsync();
    }

    private Task<DatabaseNode> PromoteAsync(string name, PromotionConsent consent) =>
        new Promotion(fixture.Options, TimeProvider.System, _ => { }).PromoteAsync(name, consent, CancellationToken.None);

    private Task<NodeProbe> ProbeAsync(ServerHandle server) => NodeProbe.AskAsync(
        NodeConnections.AsAdministrator(fixture.Options), fixture.Options.Groups.SelectMany(group => group.Members).First(node => node.Name == server.Name), CancellationToken.None);

    private async Task<HttpStatusCode> PlaceAsync((Guid Id, string Worker, object Basket) restaurant, Guid key)
    {
        using var response = await Cluster.ClusterFixture.PlaceAsync(fixture.Eu, $"/api/v1/restaurants/{restaurant.Id}/orders", restaurant.Basket, key.ToString());
        return response.StatusCode;
    }
}
