using System.Globalization;
using System.Net;
using DineHub.Api;
using DineHub.Api.Data;
using DineHub.Database.Connections;
using DineHub.Tests.Hosting;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>What is acknowledged while a synchronous standby is awaited: nothing.</summary>
[Collection(ClusterCollection.Name)]
public sealed class DurabilityTests(ClusterFixture fixture)
{
    private const string Lucia = "trattoria-lucia";

    [Fact]
    public async Task An_order_that_waits_for_the_standby_is_not_acknowledged_when_it_is_sent_nor_when_it_is_sent_again()
    {
        var key = Guid.NewGuid().ToString();
        var worker = (ServerHandle)fixture.Cluster.Node(fixture.Restaurants[Lucia].Worker);
        await using (await MissingStandby.AwaitAsync(worker, Keeper))
        {
            using var first = await PlaceAsync(key);
            first.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);

            // A cancelled wait makes the order visible: a plain read would acknowledge it.
            await Eventually.TrueAsync(
                async () =>
                {
                    await RunAsync(worker, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
                    return await IsVisibleAsync(key);
                },
                "the order is visible on the primary");
            using var second = await PlaceAsync(key);
            second.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        }

        await Eventually.TrueAsync(
            async () =>
            {
                using var third = await PlaceAsync(key);
                return third.StatusCode == HttpStatusCode.Created && third.Headers.Contains("Idempotency-Replayed");
            },
            "the order is acknowledged");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5000)]
    public async Task A_row_that_was_returned_before_its_commit_is_no_answer(int rows)
    {
        await using var table = await ScratchTable.CreateAsync(fixture.Cluster.Coordinator);
        await using var standby = await MissingStandby.AwaitAsync(fixture.Cluster.Coordinator, Keeper);
        using var connections = ApiConnections.Create(fixture.Cluster.Coordinator.AdminConnectionString("dinehub") + ";Command Timeout=1");
        var late = await Should.ThrowAsync<NpgsqlException>(async () => await connections.FirstAsync(
            "INSERT INTO scratch.waits SELECT n FROM generate_series(1, $1) AS n RETURNING n", row => row.GetInt32(0).ToString(CultureInfo.InvariantCulture), CancellationToken.None, rows));
        late.InnerException.ShouldBeOfType<TimeoutException>();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5000)]
    public async Task A_statement_that_was_cancelled_while_it_waited_is_no_answer(int rows)
    {
        await using var table = await ScratchTable.CreateAsync(fixture.Cluster.Coordinator);
        await using var standby = await MissingStandby.AwaitAsync(fixture.Cluster.Coordinator, Keeper);
        using var connections = ApiConnections.Create(fixture.Cluster.Coordinator.AdminConnectionString("dinehub"));
        for (var i = 0; i < 20; i++)
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(50 + i));
            await Should.ThrowAsync<OperationCanceledException>(async () => await connections.FirstAsync(
                "INSERT INTO scratch.waits SELECT n FROM generate_series(1, $1) AS n RETURNING n", row => row.GetInt32(0).ToString(CultureInfo.InvariantCulture), cancel.Token, rows));
            using var cancelAgain = new CancellationTokenSource(TimeSpan.FromMilliseconds(50 + i));
            await Should.ThrowAsync<OperationCanceledException>(async () => await connections.ExecuteAsync(
                "INSERT INTO scratch.waits SELECT n FROM generate_series(1, $1) AS n", cancelAgain.Token, rows));
        }
    }

    private ServiceHandle Keeper => fixture.Cluster.Keepers.Single();

    private Task<HttpResponseMessage> PlaceAsync(string key) =>
        ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket(), key);

    private async Task<bool> IsVisibleAsync(string key)
    {
        await using var dataSource = NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand("SELECT EXISTS (SELECT FROM orders WHERE restaurant_id = $1 AND idempotency_key = $2)");
        command.Parameters.AddWithValue(fixture.IdOf(Lucia));
        command.Parameters.AddWithValue(key);
        return await command.ExecuteScalarAsync() is true;
    }

    private static async Task RunAsync(ServerHandle node, params string[] statements)
    {
        await using var connection = new NpgsqlConnection(node.AdminConnectionString("dinehub") + ";Pooling=false");
        await connection.OpenAsync();
        foreach (var sql in new[] { "SET synchronous_commit = 'local'", "SET citus.enable_ddl_propagation = off" }.Concat(statements))
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>A server whose commits wait for an absent standby while its keeper is stopped.</summary>
    private sealed class MissingStandby(ServerHandle node, ServiceHandle keeper) : IAsyncDisposable
    {
        public static async Task<MissingStandby> AwaitAsync(ServerHandle node, ServiceHandle keeper)
        {
            await keeper.StopAsync();
            await RunAsync(node, "ALTER SYSTEM SET synchronous_standby_names = 'absent'", "SELECT pg_reload_conf()");
            var waits = new MissingStandby(node, keeper);
            await Eventually.TrueAsync(async () => await waits.NamesAsync() == "absent", "the server waits for its standby");
            return waits;
        }

        public async ValueTask DisposeAsync()
        {
            await RunAsync(node, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()");
            await Eventually.TrueAsync(async () => await NamesAsync() != "absent", "the server waits no more");
            await keeper.StartAsync(CancellationToken.None);
        }

        private async Task<string?> NamesAsync()
        {
            await using var connection = new NpgsqlConnection(node.AdminConnectionString("dinehub") + ";Pooling=false");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("SHOW synchronous_standby_names", connection);
            return (string?)await command.ExecuteScalarAsync();
        }
    }

    private sealed class ScratchTable(ServerHandle node) : IAsyncDisposable
    {
        public static async Task<ScratchTable> CreateAsync(ServerHandle node)
        {
            await RunAsync(node, "CREATE SCHEMA scratch", "CREATE TABLE scratch.waits (n integer)");
            return new ScratchTable(node);
        }

        public async ValueTask DisposeAsync() => await RunAsync(node, "DROP SCHEMA scratch CASCADE");
    }
}
