using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Migrations;
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
    private const string Holder = "holder of the tests";
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
        await using var holder = await HoldAsync("SELECT count(*) FROM orders WHERE restaurant_id = $1");

        var load = OrderLoad.Start(fixture, Lucia, clients: 3);
        loads.Add(load);
        await load.ReachAsync(3);
        var migrating = fixture.MigrateAsync();
        await Eventually.TrueAsync(WaitsForOrdersAsync, "the migration waits");
        await load.ReachAsync(6);
        migrating.IsCompleted.ShouldBeFalse();

        await holder.CloseAsync();
        (await migrating).Applied.ShouldHaveSingleItem();
        await NoneFailedAsync();
        await EverywhereAsync("SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'waited'");
    }

    [Fact]
    public async Task A_lock_that_is_never_free_is_given_up_and_its_holder_named()
    {
        await using var holder = await HoldAsync("SELECT 'Ada Lovelace', count(*) FROM stock WHERE restaurant_id = $1");
        await using var migrator = await OpenMigratorAsync();

        var message = (await Should.ThrowAsync<DatabaseSetupException>(() => LockTimeoutRetry.InTransactionAsync(
            migrator, "Migration 0042_x", ct => migrator.ExecuteAsync("ALTER TABLE stock ADD COLUMN never text", ct), default, tries: 2))).Message;

        output.WriteLine(message);
        message.ShouldStartWith("Migration 0042_x did not get its lock");
        message.ShouldContain("dinehub_api");
        message.ShouldContain("127.0.0.1");
        message.ShouldContain("idle in transaction, transaction open for ");
        message.ShouldNotContain("Ada");
        if (TestEngine.IsCitus)
        {
            message.ShouldContain($"process {holder.ProcessID} on {holder.Host}:{holder.Port} (");
            message.ShouldContain($"application '{Holder}'");
            message.ShouldContain("last query: SELECT '…', count(*) FROM stock WHERE restaurant_id = $1");
        }
        else
        {
            message.ShouldContain($"application 'coordinator process {holder.ProcessID} {Holder}'");
            message.ShouldContain("last query: ");
        }
    }

    [Fact]
    public async Task A_lock_of_a_prepared_transaction_is_attributed_to_it()
    {
        var worker = WorkerOf(Lucia);
        await using var superuser = await OpenAsync(worker);
        await superuser.ExecuteAsync("SET citus.enable_ddl_propagation = off", default);
        var table = TestEngine.IsCitus
            ? await superuser.ScalarAsync<string>("SELECT shard_name('stock', get_shard_id_for_distribution_column('stock', $1))", default, fixture.IdOf(Lucia))
            : "stock";
        await superuser.ExecuteAsync($"BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE; PREPARE TRANSACTION 'forgotten'", default);
        try
        {
            await using var migrator = await OpenMigratorAsync();
            (await Should.ThrowAsync<DatabaseSetupException>(() => LockTimeoutRetry.InTransactionAsync(
                migrator, "Migration 0042_x", ct => migrator.ExecuteAsync("ALTER TABLE stock ADD COLUMN never text", ct), default, tries: 2))).Message
                .ShouldContain("the prepared transaction 'forgotten' of postgres, for ");
        }
        finally
        {
            await superuser.ExecuteAsync("ROLLBACK PREPARED 'forgotten'", default);
        }
    }

    [Fact]
    public async Task The_migrators_lock_timeout_is_set_on_each_node()
    {
        foreach (var node in Nodes())
        {
            await using var migrator = await fixture.Database().Migrator.OpenAsync(node, DatabaseOptions.DatabaseName, default);
            (await migrator.ScalarAsync<string>("SELECT current_setting('lock_timeout')", default))
                .ShouldBe(TestEngine.IsCitus && node != fixture.Database().Options.Coordinator ? "1min" : "2s", node.Name);
        }
    }

    [Fact]
    public async Task A_concurrent_index_waits_longer_than_other_statements_for_a_transaction_on_one_shard()
    {
        var index = IndexOf("orders_by_tax", "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_tax ON orders (restaurant_id, tax)");
        await using var migrator = await OpenMigratorAsync();
        Task building;
        await using (await HoldAsync("UPDATE orders SET total = total WHERE restaurant_id = $1"))
        {
            building = BuildAsync(migrator, index);
            await Eventually.TrueAsync(async () => (await PartsAsync(index.Name)).Exists(part => !part.IsValid), "the index is being made");

            // Longer than the 2 s that other statements of the migrator wait.
            await Task.Delay(TimeSpan.FromSeconds(5));
            building.IsCompleted.ShouldBeFalse();
        }

        await building;
        await IsWholeAsync(index.Name);
    }

    [Theory]
    [InlineData("cancelled", "orders_by_total")]
    [InlineData("killed", "orders_by_place")]
    public async Task A_concurrent_index_that_was_interrupted_is_mended(string how, string name)
    {
        fixture.Add(how, $"{Distributed}-- transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON orders (restaurant_id, total, placed_at);");
        using var interruption = new CancellationTokenSource();
        await using (await HoldAsync("UPDATE orders SET total = total WHERE restaurant_id = $1"))
        {
            var interrupted = fixture.MigrateAsync(interruption.Token);
            await Eventually.TrueAsync(async () => (await PartsAsync(name)).Exists(part => !part.IsValid && part.Node == fixture.Restaurants[Lucia].Worker), "the index is being made");
            if (how == "killed")
            {
                foreach (var node in Nodes())
                {
                    await using var superuser = await OpenAsync(node);
                    await superuser.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dinehub_migrator'", default);
                }

                await Should.ThrowAsync<NpgsqlException>(() => interrupted);
            }
            else
            {
                await interruption.CancelAsync();
                await Should.ThrowAsync<OperationCanceledException>(() => interrupted);
            }
        }

        (await PartsAsync(name)).ShouldContain(part => !part.IsValid);
        (await fixture.MigrateAsync()).Applied.ShouldHaveSingleItem();
        await IsWholeAsync(name);
    }

    [CitusFact]
    public async Task Index_on_shards_that_the_coordinator_does_not_know_of_is_made_from_the_start()
    {
        var index = IndexOf("stock_by_shard", "CREATE INDEX CONCURRENTLY IF NOT EXISTS stock_by_shard ON stock (restaurant_id, updated_at)");
        await using var migrator = await OpenMigratorAsync();
        await BuildAsync(migrator, index);
        await using (var superuser = await OpenAsync(fixture.Database().Options.Coordinator))
        {
            await superuser.ExecuteAsync("SET citus.enable_ddl_propagation = off; DROP INDEX stock_by_shard", default);
        }

        (await PartsAsync(index.Name)).ShouldNotBeEmpty();
        await BuildAsync(migrator, index);
        await IsWholeAsync(index.Name);

        await BuildAsync(migrator, IndexOf(index.Name, "DROP INDEX CONCURRENTLY IF EXISTS stock_by_shard"));
        (await PartsAsync(index.Name)).ShouldBeEmpty();
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

    /// <summary>
    /// A transaction of the API's role that has run a statement about Lucia and does not end by itself. It enters at another node than the one that it
    /// holds its lock on, and on Citus than the one that the migrator asks.
    /// </summary>
    private async Task<NpgsqlConnection> HoldAsync(string statement)
    {
        var options = fixture.Database().Options;
        var entry = TestEngine.IsCitus ? options.Workers.First(worker => worker.Name != fixture.Restaurants[Lucia].Worker) : options.Coordinator;
        var settings = new NpgsqlConnectionStringBuilder(fixture.Cluster.ApiConnectionString)
        {
            Host = entry.Host,
            Port = entry.Port,
            Pooling = false,
            ApplicationName = Holder,
        };
        var holder = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await holder.OpenAsync();
            await holder.ExecuteAsync("SET idle_in_transaction_session_timeout = 0", default);
            await holder.ExecuteAsync("BEGIN", default);
            await holder.ExecuteAsync(statement, default, fixture.IdOf(Lucia));
            return holder;
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the lock of a migration is waited for, on whichever node: of the table, or of a shard.</summary>
    private async Task<bool> WaitsForOrdersAsync()
    {
        foreach (var node in Nodes())
        {
            await using var superuser = await OpenAsync(node);
            if (await superuser.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation::regclass::text ~ '^orders(_[0-9]+)?$' AND mode = 'AccessExclusiveLock' AND NOT granted)", default))
            {
                return true;
            }
        }

        return false;
    }

    private static ConcurrentIndex IndexOf(string name, string statement) =>
        Migration.Parse("0042_index.sql", $"{Distributed}-- transaction: none\n{statement}").Index.ShouldNotBeNull() with { Name = name };

    /// <summary>The migrator where it alters distributed tables: on Citus at the coordinator, otherwise at the worker.</summary>
    private Task<NpgsqlConnection> OpenMigratorAsync() => fixture.Database().Migrator.OpenAsync(
        TestEngine.IsCitus ? fixture.Database().Options.Coordinator : WorkerOf(Lucia), DatabaseOptions.DatabaseName, default);

    private Task BuildAsync(NpgsqlConnection migrator, ConcurrentIndex index)
    {
        var shards = TestEngine.IsCitus ? new ShardNodes(fixture.Database().Migrator, fixture.Database().Options.Workers) : null;
        return new ConcurrentIndexBuild(migrator, index, shards).RunAsync(default);
    }

    /// <summary>The indexes of a name on all nodes, those of shards among them.</summary>
    private async Task<List<(string Node, string Name, bool IsValid)>> PartsAsync(string name)
    {
        var parts = new List<(string, string, bool)>();
        foreach (var node in Nodes())
        {
            await using var superuser = await OpenAsync(node);
            parts.AddRange(await superuser.ListAsync(
                "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ ('^' || $1 || '(_[0-9]+)?$')",
                row => (node.Name, row.GetString(0), row.GetBoolean(1)),
                default,
                name));
        }

        return parts;
    }

    private async Task IsWholeAsync(string name)
    {
        var parts = await PartsAsync(name);
        parts.ShouldAllBe(part => part.IsValid);
        var workers = fixture.Database().Options.Workers;
        if (!TestEngine.IsCitus)
        {
            parts.Select(part => part.Node).Distinct().Count().ShouldBeGreaterThan(0);
            parts.ShouldAllBe(part => part.Name == name);
            return;
        }

        parts.Count(part => part.Name == name).ShouldBe(workers.Count + 1, "the coordinator's, and that of each worker's own table");
        parts.Count(part => part.Name != name).ShouldBe(fixture.Database().Options.Shards);
    }

    private IEnumerable<DatabaseNode> Nodes() => fixture.Database().Options.Workers.Prepend(fixture.Database().Options.Coordinator);

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

    private Task EverywhereAsync(string sql) => OnAsync(Nodes(), sql);

    private async Task OnAsync(IEnumerable<DatabaseNode> nodes, string sql)
    {
        foreach (var node in nodes)
        {
            await using var connection = await OpenAsync(node);
            (await connection.ScalarAsync<bool?>(sql, default)).ShouldBe(true, node.Name);
        }
    }
}
