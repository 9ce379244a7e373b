using DineHub.Database;
using DineHub.Database.Engines;
using Npgsql;

namespace DineHub.Tests.Failover;

/// <summary>Workers leave and join a cluster that takes orders.</summary>
[Collection(FailoverCollection.Name)]
public sealed class GrowthTests(FailoverFixture fixture)
{
    private const string Worker = "db-worker-3";

    [StockFact]
    public async Task An_engine_that_cannot_move_shards_says_what_is_needed_and_changes_nothing()
    {
        await fixture.HealAsync();
        await WithEngineAsync(async (engine, coordinator) =>
        {
            foreach (var refused in new Func<Task>[]
            {
                () => engine.RebalanceAsync(coordinator, _ => { }, CancellationToken.None),
                () => engine.DrainAsync(coordinator, Worker, _ => { }, CancellationToken.None),
            })
            {
                (await Should.ThrowAsync<DatabaseSetupException>(refused)).Message.ShouldContain("needs Citus");
            }
        });

        // One more worker than the data is spread over, at the address of one that answers.
        var options = (await DatabaseCluster.ResolveAsync(fixture.Options, CancellationToken.None)).Options;
        var more = new DatabaseCluster(options with { Workers = [.. options.Workers, options.Workers[0] with { Name = "db-worker-4" }] });
        (await Should.ThrowAsync<DatabaseSetupException>(() => new Migrator(more).MigrateAsync(CancellationToken.None))).Message.ShouldContain("install Citus");
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(10);
        await load.StopAsync();
        await load.VerifyAsync();
    }

    [CitusFact]
    public async Task A_worker_is_drained_and_added_again_while_no_order_fails()
    {
        await fixture.HealAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await WithEngineAsync((engine, coordinator) => engine.DrainAsync(coordinator, Worker, _ => { }, CancellationToken.None));
        (await ShardsAsync()).ShouldBe(0);
        await load.ReachAsync(20);

        var cluster = await DatabaseCluster.ResolveAsync(fixture.Options, CancellationToken.None);
        await new Migrator(cluster).MigrateAsync(CancellationToken.None);
        await WithEngineAsync((engine, coordinator) => engine.RebalanceAsync(coordinator, _ => { }, CancellationToken.None));
        (await ShardsAsync()).ShouldBeGreaterThan(0);
        await load.ReachAsync(20);
        await load.StopAsync();
        load.Refused.ShouldBe(0);
        await load.VerifyAsync();
    }

    private async Task<long> ShardsAsync() =>
        (await DatabaseStatus.ReadAsync(fixture.Options, CancellationToken.None)).Tables.Where(piece => piece.Node == Worker && piece.Table == "orders").Sum(piece => piece.Pieces);

    private async Task WithEngineAsync(Func<IDatabaseEngine, NpgsqlConnection, Task> action)
    {
        var cluster = await DatabaseCluster.ResolveAsync(fixture.Options, CancellationToken.None);
        await using var coordinator = await cluster.OpenCoordinatorAsync(CancellationToken.None);
        await action(await cluster.EngineAsync(coordinator, CancellationToken.None), coordinator);
    }
}
