using DineHub.AppHost.Topology;
using DineHub.Database;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Tests.Cluster;
using Npgsql;
using Xunit.Abstractions;

namespace DineHub.Tests.Database;

/// <summary>A small cluster of its own, whose running API is the older version, and the migrations that come after its own.</summary>
public sealed class RolloutFixture : ClusterFixture
{
    private readonly List<Migration> migrations = [.. Migration.All];

    /// <summary>Adds the next migration.</summary>
    internal Migration Add(string name, string sql)
    {
        var migration = Migration.Parse($"{migrations.Count + 1:0000}_{name}.sql", sql);
        migrations.Add(migration);
        return migration;
    }

    internal Task<MigrationResult> MigrateAsync(CancellationToken ct = default) => new Migrator(Database(), [.. migrations]).MigrateAsync(ct);

    private protected override IEnumerable<(string Key, string Value)> Settings =>
        [.. base.Settings, ("Database:Standbys", "false"), ("Database:Durability", "Local"), ("Regions:0:Backends", "1"), ("Regions:1:Backends", "1")];
}

public sealed class MigrationRolloutTests(RolloutFixture fixture, ITestOutputHelper output) : IClassFixture<RolloutFixture>, IAsyncLifetime
{
    private const string Distributed = "-- placement: distributed by restaurant_id\n";
    private const string Lucia = "trattoria-lucia";
    private const int Rounds = 4;

    private readonly List<OrderLoad> loads = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var load in loads)
        {
            await load.DisposeAsync();
        }
    }

    [Fact]
    public async Task Orders_flow_while_the_schema_expands_gains_an_index_and_contracts()
    {
        await StartLoadsAsync();
        await ReachAsync(5);

        fixture.Add("points", $"{Distributed}ALTER TABLE orders ADD COLUMN points integer DEFAULT 7;");
        fixture.Add("cards", $"{Distributed}CREATE TABLE cards (restaurant_id uuid PRIMARY KEY, points integer NOT NULL);\nGRANT SELECT, INSERT ON cards TO dinehub_api;");
        fixture.Add("levels", "-- placement: reference\nCREATE TABLE levels (name text PRIMARY KEY);\nGRANT SELECT ON levels TO dinehub_api;");
        await MigrateOnceAsync(applied: 3);
        await EverywhereAsync("SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'points' AND NOT attisdropped");
        (await AskAsync<bool>("SELECT bool_and(points = 7) FROM orders")).ShouldBeTrue();
        (await AskAsync<long>("WITH added AS (INSERT INTO cards SELECT id, 1 FROM restaurants RETURNING 1) SELECT count(*) FROM added"))
            .ShouldBe(fixture.Restaurants.Count);
        (await AskAsync<long>("SELECT count(*) FROM levels")).ShouldBe(0);

        fixture.Add("index", $"{Distributed}-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_points ON orders (restaurant_id, points);");
        await MigrateOnceAsync(applied: 1);
        await OnWorkersAsync("SELECT count(*) = 1 FROM pg_index WHERE indexrelid = to_regclass('orders_by_points') AND indisvalid");

        fixture.Add("no_index", $"{Distributed}-- transaction: none\nDROP INDEX CONCURRENTLY IF EXISTS orders_by_points;");
        fixture.Add("no_points", $"{Distributed}-- phase: contract\nALTER TABLE IF EXISTS orders DROP COLUMN IF EXISTS points;\nDROP TABLE IF EXISTS cards;");
        await MigrateOnceAsync(applied: 2);
        await OnWorkersAsync("SELECT to_regclass('orders_by_points') IS NULL");
        await EverywhereAsync("SELECT count(*) = 0 FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'points'");
        await EverywhereAsync("SELECT to_regclass('cards') IS NULL");

        // Once more and again: the moment at which the coordinator's table changes is short.
        for (var round = 0; round < Rounds; round++)
        {
            fixture.Add($"more_{round}", $"{Distributed}ALTER TABLE orders ADD COLUMN more_{round} text;");
            await fixture.MigrateAsync();
            fixture.Add($"less_{round}", $"{Distributed}-- phase: contract\nALTER TABLE IF EXISTS orders DROP COLUMN IF EXISTS more_{round};");
            await fixture.MigrateAsync();
        }

        await ReachAsync(5);
        await NoneFailedAsync();
    }

    [Fact]
    public async Task A_migration_that_waits_for_a_lock_lets_orders_pass()
    {
        fixture.Add("waits", $"{Distributed}ALTER TABLE orders ADD COLUMN waited text;");
        await using var worker = await OpenAsync(WorkerOf(Lucia));
        await using var holder = await OpenAsync(WorkerOf(Lucia));
        var held = await holder.BeginTransactionAsync();
        await holder.ExecuteAsync("LOCK TABLE orders IN ACCESS SHARE MODE", default);

        var load = OrderLoad.Start(fixture, Lucia, clients: 3);
        loads.Add(load);
        await load.ReachAsync(3);
        var migrating = fixture.MigrateAsync();
        await Eventually.TrueAsync(
            () => worker.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)", default),
            "the migration waits");
        await load.ReachAsync(6);
        migrating.IsCompleted.ShouldBeFalse();

        await held.DisposeAsync();
        (await migrating).Applied.ShouldHaveSingleItem();
        await NoneFailedAsync();
        await EverywhereAsync("SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'waited'");
    }

    [Fact]
    public async Task A_lock_that_is_never_free_is_given_up_and_its_holder_named()
    {
        var worker = WorkerOf(Lucia);
        await using var holder = await OpenAsync(worker);
        await using var held = await holder.BeginTransactionAsync();
        await holder.ExecuteAsync("LOCK TABLE stock IN ACCESS SHARE MODE", default);
        await using var migrator = await fixture.Database().Migrator.OpenAsync(worker, DatabaseOptions.DatabaseName, default);

        var message = (await Should.ThrowAsync<DatabaseSetupException>(() => BriefLocks.InTransactionAsync(
            migrator, "Migration 0042_x", ct => migrator.ExecuteAsync("LOCK TABLE stock", ct), default, tries: 2))).Message;

        message.ShouldStartWith("Migration 0042_x did not get its lock");
        message.ShouldContain($"process {holder.ProcessID} (");
        message.ShouldContain("idle in transaction");
        message.ShouldNotContain("LOCK TABLE");
    }

    [Fact]
    public async Task A_concurrent_index_that_was_interrupted_is_mended()
    {
        const string Valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_by_total')";
        fixture.Add("total", $"{Distributed}-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_total ON orders (restaurant_id, total);");
        await using var worker = await OpenAsync(WorkerOf(Lucia));
        await using (var holder = await OpenAsync(WorkerOf(Lucia)))
        {
            await using var held = await holder.BeginTransactionAsync();
            await holder.ExecuteAsync("LOCK TABLE orders IN ROW EXCLUSIVE MODE", default);
            using var interruption = new CancellationTokenSource();
            var interrupted = fixture.MigrateAsync(interruption.Token);
            await Eventually.TrueAsync(
                () => worker.ScalarAsync<bool>("SELECT to_regclass('orders_by_total') IS NOT NULL", default), "the index is being made");
            await interruption.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => interrupted);
        }

        (await worker.ScalarAsync<bool?>(Valid, default)).ShouldBe(false);
        (await fixture.MigrateAsync()).Applied.ShouldHaveSingleItem();
        await OnWorkersAsync(Valid);
    }

    [Fact]
    public async Task Two_migrators_at_once_apply_each_migration_once()
    {
        // On the coordinator, whose lock the other one waits for: an index that is made concurrently waits for statements that wait.
        fixture.Add("reference", "-- placement: reference\n-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS restaurants_by_city ON restaurants (city);");
        fixture.Add("twice", $"{Distributed}ALTER TABLE stock ADD COLUMN twice text;");
        fixture.Add("index_twice", $"{Distributed}-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS stock_by_time ON stock (restaurant_id, updated_at);");

        var results = await Task.WhenAll(fixture.MigrateAsync(), fixture.MigrateAsync());

        results.SelectMany(result => result.Applied).Select(migration => migration.Name).ShouldBe(["reference", "twice", "index_twice"]);
        await OnWorkersAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('stock_by_time')");
        await EverywhereAsync("SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'stock'::regclass AND attname = 'twice'");
    }

    /// <summary>One restaurant on each worker that has one that is open now, by turns through either gateway.</summary>
    private async Task StartLoadsAsync()
    {
        foreach (var slug in fixture.AlwaysOpen.Order().DistinctBy(slug => fixture.Restaurants[slug].Worker))
        {
            var basket = await fixture.AnyBasketAsync(slug);
            loads.Add(OrderLoad.Start(fixture, slug, clients: 2, loads.Count % 2 == 0 ? fixture.Eu : fixture.Us, basket));
        }

        loads.Count.ShouldBeGreaterThan(1);
    }

    private Task ReachAsync(int orders) => Task.WhenAll(loads.Select(load => load.ReachAsync(orders)));

    private async Task MigrateOnceAsync(int applied)
    {
        var before = loads.Sum(load => load.Acknowledged.Count);
        (await fixture.MigrateAsync()).Applied.Count.ShouldBe(applied);
        output.WriteLine($"{applied} migrations, {loads.Sum(load => load.Acknowledged.Count) - before} orders meanwhile");
        (await fixture.MigrateAsync()).Applied.ShouldBeEmpty();
        await ReachAsync(5);
    }

    private async Task NoneFailedAsync()
    {
        foreach (var load in loads)
        {
            await load.StopAsync();
            output.WriteLine($"{load.Acknowledged.Count} orders, {load.Failures.Count} failed");
            load.Failures.ShouldBeEmpty();
            await load.StoredOnceAsync();
        }
    }

    private DatabaseNode WorkerOf(string slug) =>
        fixture.Database().Options.Workers.Single(worker => worker.Name == fixture.Restaurants[slug].Worker);

    private Task<NpgsqlConnection> OpenAsync(DatabaseNode node) => fixture.Database().Connections.OpenAsync(node, DatabaseOptions.DatabaseName, default);

    private async Task<T?> AskAsync<T>(string sql)
    {
        await using var api = new NpgsqlConnection(fixture.Cluster.ApiConnectionString);
        await api.OpenAsync();
        return await api.ScalarAsync<T>(sql, default);
    }

    private Task OnWorkersAsync(string sql) => OnAsync(fixture.Database().Options.Workers, sql);

    private Task EverywhereAsync(string sql) => OnAsync(fixture.Database().Options.Workers.Prepend(fixture.Database().Options.Coordinator), sql);

    private async Task OnAsync(IEnumerable<DatabaseNode> nodes, string sql)
    {
        foreach (var node in nodes)
        {
            await using var connection = await OpenAsync(node);
            (await connection.ScalarAsync<bool?>(sql, default)).ShouldBe(true, node.Name);
        }
    }
}
