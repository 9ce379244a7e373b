using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using DineHub.AppHost.Composition;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Growth;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using DineHub.Tests.Metrics;
using Npgsql;
using Xunit.Abstractions;

namespace DineHub.Tests.Failover;

/// <summary>Workers leave and join a cluster that takes orders, and restaurants move between them.</summary>
[Collection(GrowthCollection.Name)]
public sealed class GrowthTests(GrowthFixture fixture, ITestOutputHelper output)
{
    // The reference topology has db-worker-1 and db-worker-3 in Europe, db-worker-2 in America.
    private const string Worker = "db-worker-3";
    private const string Europe = "eu-west-1";
    private const string America = "us-east-1";

    private readonly ConcurrentQueue<string> told = new();

    [StockFact]
    public async Task An_engine_that_cannot_move_shards_says_what_is_needed_and_changes_nothing()
    {
        await fixture.HealAsync();
        foreach (var refused in new Func<ClusterGrowth, Task>[]
        {
            growth => growth.AddWorkerAsync(Worker, CancellationToken.None),
            growth => growth.RemoveWorkerAsync(Worker, toRegion: null, CancellationToken.None),
            growth => growth.RebalanceAsync(CancellationToken.None),
            growth => growth.IsolateAsync("trattoria-lucia", CancellationToken.None),
            growth => growth.MoveAsync("trattoria-lucia", America, CancellationToken.None),
        })
        {
            (await Should.ThrowAsync<DatabaseSetupException>(() => refused(Growth()))).Message.ShouldContain("needs Citus");
        }

        // One more worker than the data is spread over, at the address of one that answers.
        var options = (await DatabaseCluster.ResolveAsync(fixture.Options, CancellationToken.None)).Options;
        var more = new DatabaseCluster(options with { Workers = [.. options.Workers, options.Workers[0] with { Name = "db-worker-4" }] });
        (await Should.ThrowAsync<DatabaseSetupException>(() => new Migrator(more).MigrateAsync(CancellationToken.None))).Message.ShouldContain("install Citus");
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(10);
        await load.StopAsync();
        await load.VerifyAsync();
    }

    // The stock engine's servers are those that do not write WAL for it.
    [StockFact]
    public async Task A_server_without_logical_wal_is_named()
    {
        await fixture.HealAsync();
        var refused = await Should.ThrowAsync<DatabaseSetupException>(async () => await GrowthChecks.RefuseAsync(
            fixture.Options, await fixture.ViewAsync(), NodeConnections.AsAdministrator(fixture.Options), new HashSet<string> { "db-worker-1", Worker }, CancellationToken.None));
        refused.Message.Split("wal_level is replica").Length.ShouldBe(3, refused.Message);
    }

    [CitusFact]
    public async Task A_worker_is_removed_and_added_again_while_no_order_fails_and_no_group_leaves_its_region()
    {
        await fixture.HealAsync();
        var regions = await RegionsAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await MeasureAsync("remove-worker", load, growth => growth.RemoveWorkerAsync(Worker, toRegion: null, CancellationToken.None));
        (await GroupsAsync(Worker)).ShouldBe(0);
        (await RegionsAsync()).ShouldBe(regions, ignoreOrder: true);
        await load.ReachAsync(20);

        await Growth().RemoveWorkerAsync(Worker, toRegion: null, CancellationToken.None);
        told.Last().ShouldContain("is no part of the cluster");

        await MeasureAsync("add-worker", load, growth => growth.AddWorkerAsync(Worker, CancellationToken.None));
        Math.Abs(await GroupsAsync(Worker) - await GroupsAsync("db-worker-1")).ShouldBeLessThanOrEqualTo(1);
        (await RegionsAsync()).ShouldBe(regions, ignoreOrder: true);
        await Growth().RebalanceAsync(CancellationToken.None);
        told.Last().ShouldContain("nothing to move");
        await load.ReachAsync(20);
        await load.StopAsync();
        load.Refused.ShouldBe(0, await RefusalsAsync());
        await load.VerifyAsync();
    }

    [CitusFact]
    public async Task What_was_interrupted_goes_on_where_it_was()
    {
        await fixture.HealAsync();
        var regions = await RegionsAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);

        // Ctrl+C during the second move.
        using var stop = new CancellationTokenSource();
        var growth = new ClusterGrowth(
            fixture.Options,
            line =>
            {
                told.Enqueue(line);
                if (line.StartsWith("2 of ", StringComparison.Ordinal))
                {
                    stop.CancelAfter(TimeSpan.FromMilliseconds(200));
                }
            },
            TimeProvider.System);
        var before = await GroupsAsync(Worker);
        await Should.ThrowAsync<OperationCanceledException>(() => growth.RemoveWorkerAsync(Worker, toRegion: null, stop.Token));
        var left = await GroupsAsync(Worker);
        left.ShouldBeInRange(1, before - 1);

        // Not by a rebalance: it is being removed.
        await Growth().RebalanceAsync(CancellationToken.None);
        (await GroupsAsync(Worker)).ShouldBe(left);
        await Growth().RemoveWorkerAsync(Worker, toRegion: null, CancellationToken.None);
        told.ShouldContain(line => line.StartsWith($"{left} of {left}: "));
        (await GroupsAsync(Worker)).ShouldBe(0);

        // kill -9 during the second move.
        await KillDuringAsync("2 of ", "add-worker", Worker);
        var arrived = await GroupsAsync(Worker);
        arrived.ShouldBeInRange(1, before - 1);
        await Growth().AddWorkerAsync(Worker, CancellationToken.None);
        Math.Abs(await GroupsAsync(Worker) - await GroupsAsync("db-worker-1")).ShouldBeLessThanOrEqualTo(1);
        (await RegionsAsync()).ShouldBe(regions, ignoreOrder: true);
        await load.ReachAsync(20);
        await load.StopAsync();
        load.Refused.ShouldBe(0, await RefusalsAsync());
        await load.VerifyAsync();
        await NothingIsLeftAsync();
    }

    [CitusFact]
    public async Task The_last_worker_of_a_region_is_removed_with_consent_only_and_the_directory_follows()
    {
        await fixture.HealAsync();
        var regions = await RegionsAsync();
        var refused = await Should.ThrowAsync<DatabaseSetupException>(() => Growth().RemoveWorkerAsync("db-worker-2", toRegion: null, CancellationToken.None));
        refused.Message.ShouldContain("--to-region eu-west-1");
        (await Should.ThrowAsync<DatabaseSetupException>(() => Growth().RemoveWorkerAsync("db-worker-2", "mars-1", CancellationToken.None))).Message.ShouldContain("'mars-1'");
        (await RegionsAsync()).ShouldBe(regions, ignoreOrder: true);

        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        var american = await SlugsAsync(America);
        american.ShouldNotBeEmpty();
        await Growth().RemoveWorkerAsync("db-worker-2", Europe, CancellationToken.None);
        (await SlugsAsync(America)).ShouldBeEmpty();
        (await RegionsAsync()).Values.Distinct().ShouldBe([Europe]);

        // It comes back empty, and its restaurants one by one.
        await Growth().AddWorkerAsync("db-worker-2", CancellationToken.None);
        told.Last().ShouldContain("no shard group lives in us-east-1");
        foreach (var slug in american)
        {
            await Growth().MoveAsync(slug, America, CancellationToken.None);
        }

        (await SlugsAsync(America)).ShouldBe(american, ignoreOrder: true);
        (await GroupsAsync("db-worker-2")).ShouldBe(american.Count);
        await load.ReachAsync(20);
        await load.StopAsync();

        // America's backend entered at db-worker-2: its sessions were ended there, and each customer may have met one.
        load.Refused.ShouldBeLessThanOrEqualTo(6, await RefusalsAsync());
        await load.VerifyAsync();
    }

    [CitusFact]
    public async Task A_restaurant_gets_a_shard_group_of_its_own_while_it_takes_orders()
    {
        await fixture.HealAsync();
        (await Should.ThrowAsync<DatabaseSetupException>(() => Growth().IsolateAsync("no-such-place", CancellationToken.None))).Message.ShouldContain("no restaurant 'no-such-place'");
        var slug = (await SlugsAsync(Europe))[0];
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        await MeasureAsync("isolate", load, growth => growth.IsolateAsync(slug, CancellationToken.None));
        var group = await GroupOfAsync(slug);
        group.IsIsolated.ShouldBeTrue();
        (await ReportAsync()).Shards.Single(shard => shard.Shard == group.Shard).Restaurants.ShouldBe(1);

        await Growth().IsolateAsync((await IdAsync(slug)).ToString(), CancellationToken.None);
        told.Last().ShouldContain("already");
        await load.ReachAsync(20);
        await load.StopAsync();
        load.Refused.ShouldBe(0, await RefusalsAsync());
        await load.VerifyAsync();
    }

    [CitusFact]
    public async Task A_restaurant_moves_to_another_region_with_its_orders_while_it_is_open()
    {
        await fixture.HealAsync();
        var slug = (await SlugsAsync(Europe))[^1];
        var id = await IdAsync(slug);
        (await Should.ThrowAsync<DatabaseSetupException>(() => Growth().MoveAsync(slug, "mars-1", CancellationToken.None))).Message.ShouldContain("eu-west-1, us-east-1");
        var restaurant = fixture.Restaurants.Single(one => one.Id == id);
        await using var load = new FaultLoad(fixture);
        using var stop = new CancellationTokenSource();
        var placed = new ConcurrentBag<string>();
        var customer = OrderAsync(restaurant, placed, stop.Token);
        await load.ReachAsync(20);
        await MeasureAsync("move", load, growth => growth.MoveAsync(slug, America, CancellationToken.None));
        (await GroupOfAsync(slug)).Worker.ShouldBe("db-worker-2");
        (await RegionShownAsync(id)).ShouldBe(America);
        var before = placed.Count;
        await Eventually.TrueAsync(() => placed.Count > before + 5, "it takes orders where it is now");
        await stop.CancelAsync();
        (await customer.OrFailAsync("the customer has left off", Deadline.Long)).ShouldBeEmpty();
        var stored = await fixture.KeysAsync(id);
        stored.ShouldBeUnique();
        placed.Except(stored).ShouldBeEmpty();

        // Killed after the move and before the directory was told.
        await ExecuteAsync("UPDATE restaurants SET region = 'eu-west-1' WHERE slug = $1", slug);
        await Growth().MoveAsync(slug, America, CancellationToken.None);
        (await RegionShownAsync(id)).ShouldBe(America);
        await Growth().MoveAsync(slug, America, CancellationToken.None);
        told.Last().ShouldContain("already");

        await Growth().MoveAsync(slug, Europe, CancellationToken.None);
        (await RegionShownAsync(id)).ShouldBe(Europe);
        await load.StopAsync();
        load.Refused.ShouldBe(0, await RefusalsAsync());
        await load.VerifyAsync();
    }

    [CitusFact]
    public async Task Growth_is_refused_with_all_reasons_at_once_and_changes_nothing()
    {
        await fixture.HealAsync();
        var regions = await RegionsAsync();
        var standby = (await fixture.GroupAsync(Worker)).Standby;
        await (await fixture.GroupAsync("db-worker-2")).Primary.KillAsync();
        await standby.KillAsync();
        await Eventually.TrueAsync(
            async () => (await fixture.ViewAsync()).Groups.Single(group => group.Group.Name == Worker).Standby!.State == ServerState.Down, "the standby is down");
        var options = fixture.Options with { Standbys = [.. fixture.Options.Standbys.Where(one => one.Follows != "db-worker-1")] };
        var refused = await Should.ThrowAsync<DatabaseSetupException>(
            () => new ClusterGrowth(options, told.Enqueue, TimeProvider.System).RemoveWorkerAsync(Worker, toRegion: null, CancellationToken.None));
        refused.Message.ShouldContain("db-worker-1: has no standby");
        refused.Message.ShouldContain("db-worker-2: no primary answers");
        refused.Message.ShouldContain($"{Worker}: its standby {standby.Name} does not stream");
        refused.Message.Split(Environment.NewLine).Length.ShouldBe(4, refused.Message);
        await fixture.HealAsync();
        (await RegionsAsync()).ShouldBe(regions, ignoreOrder: true);
        told.ShouldBeEmpty();
    }

    [Fact]
    public async Task Shards_are_shown_with_restaurants_bytes_and_orders_per_second()
    {
        await fixture.HealAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        var report = await ReportAsync();
        report.Engine.ShouldBe(TestEngine.IsCitus ? EngineChoice.Citus : EngineChoice.Postgres);
        report.Shards.Count.ShouldBeGreaterThanOrEqualTo(TestEngine.IsCitus ? GrowthFixture.Shards : 3);
        report.Shards.Sum(shard => shard.Restaurants).ShouldBe(12);
        report.Shards.ShouldAllBe(shard => shard.Bytes > 0);
        report.Nodes.Select(node => (node.Node, node.Region)).ShouldBe([("db-worker-1", Europe), ("db-worker-2", America), (Worker, Europe)]);

        // Where the orders go, there are orders; the statistics are a moment late.
        await Eventually.TrueAsync(
            async () =>
            {
                var now = await ReportAsync();
                return now.Shards.Where(shard => shard.OrdersPerSecond > 0).All(shard => shard is { Orders: > 0, Restaurants: > 0 }) && now.Nodes.Sum(node => node.OrdersPerSecond) > 0;
            },
            "orders per second are seen");
        await load.StopAsync();

        var command = BuiltProgram.Run(BuiltProgram.Api, ["db", "shards", "--json", "--seconds", "0"]);
        var (exitCode, printed, errors) = await Programs.RunAsync(Start(command));
        exitCode.ShouldBe(0, errors);
        using var json = JsonDocument.Parse(printed);
        json.RootElement.GetProperty("shards").GetArrayLength().ShouldBe(report.Shards.Count);
    }

    [Fact]
    public async Task The_keeper_measures_every_workers_shards()
    {
        await fixture.HealAsync();
        using var client = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                var sizes = PrometheusText.Read(await client.GetStringAsync(new Uri(fixture.Cluster.Keepers[0].Url, "/metrics"))).Where(sample => sample.Name == "dinehub_database_shard_size_bytes").ToList();
                return sizes.Count >= (TestEngine.IsCitus ? GrowthFixture.Shards : 3) && sizes.All(sample => sample.Value > 0)
                    && sizes.Select(sample => sample.Labels["group"]).Distinct().Count() == 3;
            },
            "each worker's shards are measured",
            Deadline.Long);
    }

    // Why, as the backends' logs have it.
    private async Task<string> RefusalsAsync()
    {
        List<string> lines = [];
        foreach (var backend in fixture.Cluster.Backends)
        {
            lines.AddRange((await LogFile.ReadAsync(backend.LogFile)).Split('\n').Where(line => line.Contains("the database does not answer", StringComparison.Ordinal)));
        }

        return string.Join('\n', lines.TakeLast(100).Concat(told));
    }

    // For docs/database.md.
    private async Task MeasureAsync(string verb, FaultLoad load, Func<ClusterGrowth, Task> action)
    {
        int Orders() => load.Acknowledged.Sum(restaurant => restaurant.Value.Count);
        var (before, clock) = (Orders(), Stopwatch.StartNew());
        await action(Growth());
        output.WriteLine($"{verb}: {clock.Elapsed.TotalSeconds:0.0} s, {Orders() - before} orders meanwhile");
        foreach (var line in told)
        {
            output.WriteLine("  " + line);
        }
    }

    private ClusterGrowth Growth() => new(fixture.Options, told.Enqueue, TimeProvider.System);

    private Task<ShardReport> ReportAsync() => ShardReport.ReadAsync(fixture.Options, TimeSpan.FromSeconds(2), TimeProvider.System, CancellationToken.None);

    // Which region each hash value's group lives in, whatever its worker.
    private async Task<Dictionary<int, string>> RegionsAsync() =>
        (await MapAsync()).Groups.ToDictionary(group => group.First, group => fixture.Options.Workers.Single(worker => worker.Name == group.Worker).Region);

    private async Task<int> GroupsAsync(string worker) => (await MapAsync()).Groups.Count(group => group.Worker == worker);

    private Task<ShardMap> MapAsync() => WithCoordinatorAsync(coordinator => ShardMap.ReadAsync(coordinator, CancellationToken.None));

    private Task<ShardGroup> GroupOfAsync(string slug) => WithCoordinatorAsync(
        async coordinator => await (await RestaurantPlace.FindAsync(coordinator, slug, CancellationToken.None)).GroupAsync(coordinator, CancellationToken.None));

    private Task<Guid> IdAsync(string slug) =>
        WithCoordinatorAsync(async coordinator => (await RestaurantPlace.FindAsync(coordinator, slug, CancellationToken.None)).Id);

    private Task<List<string>> SlugsAsync(string region) => WithCoordinatorAsync(coordinator =>
        coordinator.ListAsync("SELECT slug FROM restaurants WHERE region = $1 ORDER BY 1", row => row.GetString(0), CancellationToken.None, region));

    private Task<int> ExecuteAsync(string sql, string parameter) => WithCoordinatorAsync(coordinator => coordinator.ExecuteAsync(sql, CancellationToken.None, parameter));

    private async Task<T> WithCoordinatorAsync<T>(Func<NpgsqlConnection, Task<T>> action)
    {
        var cluster = await DatabaseCluster.ResolveAsync(fixture.Options, CancellationToken.None);
        await using var coordinator = await cluster.OpenCoordinatorAsync(CancellationToken.None);
        return await action(coordinator);
    }

    private async Task<string?> RegionShownAsync(Guid id)
    {
        using var document = JsonDocument.Parse(await fixture.Us.GetStringAsync($"/api/v1/restaurants/{id}"));
        return document.RootElement.GetProperty("region").GetString();
    }

    // What is refused or fails, with the reason.
    private async Task<List<string>> OrderAsync((Guid Id, string Worker, object Basket) restaurant, ConcurrentBag<string> placed, CancellationToken stop)
    {
        List<string> failures = [];
        while (!stop.IsCancellationRequested)
        {
            var key = Guid.NewGuid().ToString();
            using var response = await fixture.PlaceAsync(restaurant, key);
            if (response.StatusCode == HttpStatusCode.Created)
            {
                placed.Add(key);
            }
            else
            {
                failures.Add($"{response.StatusCode}: {await response.Content.ReadAsStringAsync(CancellationToken.None)}");
            }
        }

        return failures;
    }

    private ProcessStartInfo Start(CommandLine command)
    {
        var start = new ProcessStartInfo(command.FileName, command.Arguments) { WorkingDirectory = command.WorkingDirectory };
        foreach (var (name, value) in command.Environment.Concat(fixture.Cluster.DatabaseEnvironment))
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private async Task KillDuringAsync(string step, params string[] verb)
    {
        var start = Start(BuiltProgram.Run(BuiltProgram.Api, ["db", .. verb]));
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync().OrFailAsync($"'{string.Join(' ', verb)}' says '{step}'", Deadline.Long);
                (line ?? $"it ended before '{step}': {await errors}").ShouldNotStartWith("it ended");
            }
            while (!line!.StartsWith(step, StringComparison.Ordinal));
        }
        finally
        {
            process.Kill();
            await Programs.HasEndedAsync(process);
        }
    }

    private async Task NothingIsLeftAsync()
    {
        foreach (var worker in fixture.Options.Workers)
        {
            await using var dataSource = fixture.Connect((await fixture.GroupAsync(worker.Name)).Primary.Name);
            await using var command = dataSource.CreateCommand(
                "SELECT (SELECT count(*) FROM pg_subscription) + (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical')");
            (await command.ExecuteScalarAsync()).ShouldBe(0L, worker.Name);
        }
    }
}
