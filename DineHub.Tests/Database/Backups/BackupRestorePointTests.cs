using System.Collections.Concurrent;
using System.Net;
using DineHub.Database.Backups;
using DineHub.Database.Cluster;
using DineHub.Tests.Cluster;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace DineHub.Tests.Database.Backups;

/// <summary>Restore points of the running cluster.</summary>
[Collection(ClusterCollection.Name)]
public sealed class BackupRestorePointTests(ClusterFixture fixture) : IAsyncLifetime
{
    private const string Lucia = "trattoria-lucia";

    private readonly List<NpgsqlConnection> workers = [];
    private DatabaseCluster database = null!;
    private NpgsqlConnection coordinator = null!;
    private EngineChoice engine;

    public async Task InitializeAsync()
    {
        var configuration = new ConfigurationManager();
        foreach (var (key, value) in fixture.Cluster.DatabaseEnvironment)
        {
            configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        database = new DatabaseCluster(DatabaseOptions.Read(configuration));
        coordinator = await database.OpenCoordinatorAsync(CancellationToken.None);
        engine = (await database.EngineAsync(coordinator, CancellationToken.None)).Kind;
        foreach (var worker in database.Options.Workers)
        {
            workers.Add(await database.Connections.OpenAsync(worker, DatabaseOptions.DatabaseName, CancellationToken.None));
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var connection in workers.Append(coordinator))
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_point_is_made_while_orders_are_placed_and_none_of_them_fails()
    {
        using var stop = new CancellationTokenSource();
        var answers = new ConcurrentBag<HttpStatusCode>();
        var clients = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var response = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
                answers.Add(response.StatusCode);
            }
        })).ToList();

        var names = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            await OrdersAsync(answers, 20);
            var point = await CreateAsync();
            RestoreTarget.Parse(point.Name).PointTime().ShouldBe(point.Time);
            names.Add(point.Name);
        }

        await OrdersAsync(answers, 20);
        await stop.CancelAsync();
        await Task.WhenAll(clients).OrFailAsync("the clients have left off", Deadline.Long);
        answers.ShouldAllBe(status => status == HttpStatusCode.Created);
        names.ShouldBeUnique();
    }

    [StockFact]
    public async Task A_point_waits_for_a_write_that_is_under_way()
    {
        await using var writer = await database.OpenCoordinatorAsync(CancellationToken.None);
        await using var transaction = await writer.BeginTransactionAsync();
        await using (var update = new NpgsqlCommand("UPDATE stock SET quantity = quantity WHERE restaurant_id = $1", writer, transaction))
        {
            update.Parameters.AddWithValue(fixture.IdOf(Lucia));
            await update.ExecuteNonQueryAsync();
        }

        await using var observer = await database.OpenCoordinatorAsync(CancellationToken.None);
        await ShouldWaitAsync(transaction, observer, coordinator, "DO %");
    }

    [CitusFact]
    public async Task A_point_waits_for_a_two_phase_commit_that_a_worker_is_in()
    {
        // What a worker holds from before it prepares until every node has committed.
        await using var writer = await OpenWorkerAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await using (var record = new NpgsqlCommand("LOCK TABLE pg_dist_transaction IN ROW EXCLUSIVE MODE", writer, transaction))
        {
            await record.ExecuteNonQueryAsync();
        }

        await using var observer = await OpenWorkerAsync();
        await ShouldWaitAsync(transaction, observer, workers[0], "LOCK TABLE %");
    }

    [CitusFact]
    public async Task A_point_that_does_not_know_all_workers_is_refused()
    {
        var refusal = await Should.ThrowAsync<BackupException>(
            () => ClusterRestorePoint.CreateAsync(coordinator, engine, [.. workers.Skip(1)], "test", CancellationToken.None));
        refusal.Message.ShouldContain("Database:Nodes");
    }

    [Fact]
    public async Task What_cannot_be_a_point_is_refused()
    {
        foreach (var label in new[] { "", "1st", "a b", new string('a', 44) })
        {
            await Should.ThrowAsync<FormatException>(() => ClusterRestorePoint.CreateAsync(coordinator, engine, workers, label, CancellationToken.None));
        }
    }

    // Several times: it gives way to the writers that queue up behind it.
    private async Task ShouldWaitAsync(NpgsqlTransaction writer, NpgsqlConnection observer, NpgsqlConnection waiting, string statement)
    {
        var created = CreateAsync();
        await using var attempts = new NpgsqlCommand(
            "SELECT query_start FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock' AND query LIKE $2", observer);
        attempts.Parameters.AddWithValue(waiting.ProcessID);
        attempts.Parameters.AddWithValue(statement);
        var seen = new HashSet<DateTime>();
        await Eventually.TrueAsync(async () => await attempts.ExecuteScalarAsync() is DateTime started && seen.Add(started) && seen.Count == 2, "it has tried twice");
        created.IsCompleted.ShouldBeFalse();
        await writer.CommitAsync();
        (await created).Name.ShouldStartWith("test-");
    }

    private Task<NpgsqlConnection> OpenWorkerAsync() =>
        database.Connections.OpenAsync(database.Options.Workers[0], DatabaseOptions.DatabaseName, CancellationToken.None);

    private Task<ClusterRestorePoint> CreateAsync() => ClusterRestorePoint.CreateAsync(coordinator, engine, workers, "test", CancellationToken.None);

    private static Task OrdersAsync(ConcurrentBag<HttpStatusCode> answers, int count)
    {
        var target = answers.Count + count;
        return Eventually.TrueAsync(() => answers.Count >= target, $"{count} more orders were answered");
    }
}
