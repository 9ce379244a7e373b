using System.Net;
using System.Net.Sockets;
using DineHub.Api.Accounts.Keys;
using DineHub.Api.Http.Errors;
using DineHub.Api.Reports;
using DineHub.Database.Connections;
using DineHub.Tests.Hosting;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>Connections to several hosts, and what real servers fail with.</summary>
[Collection(ClusterCollection.Name)]
public sealed class HostTests(ClusterFixture fixture)
{
    [Fact]
    public async Task The_first_host_that_answers_is_taken()
    {
        var worker = (ServerHandle)fixture.Cluster.Node("db-worker-1");
        using var first = ApiConnections.Create(String(Hosts(worker, fixture.Cluster.Coordinator)));
        (await PortAsync(first)).ShouldBe(worker.Port);
        using var second = ApiConnections.Create(String($"127.0.0.1:1,{Hosts(fixture.Cluster.Coordinator)}"));
        (await PortAsync(second)).ShouldBe(fixture.Cluster.Coordinator.Port);
    }

    [Fact]
    public async Task A_host_that_accepts_connections_and_does_not_answer_is_passed_over_until_it_does()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var connections = ApiConnections.Create(String($"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port},{Hosts(fixture.Cluster.Coordinator)}") + ";Timeout=60");
        var all = connections.DataSource;
        var port = PortOnAnyHostAsync(connections);
        await port.OrFailAsync("the next host is taken");
        (await port).ShouldBe(fixture.Cluster.Coordinator.Port);
        connections.DataSource.ShouldNotBeSameAs(all);

        silent.Stop();
        await Eventually.TrueAsync(() => connections.DataSource == all, "the host is asked again");
        (await PortOnAnyHostAsync(connections)).ShouldBe(fixture.Cluster.Coordinator.Port);
    }

    [Fact]
    public async Task Keys_and_the_export_are_read_past_a_host_that_hangs()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var hosts = $"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port},{Hosts(fixture.Cluster.Coordinator)}";
        using (var connections = ApiConnections.Create(String(hosts) + ";Timeout=600"))
        {
            var keys = Task.Run(() => new KeyRepository(connections, TimeProvider.System).GetAllElements());
            (await keys.OrFailAsync("the keys are read")).ShouldNotBeEmpty();
        }

        using (var connections = ApiConnections.Create(String(hosts) + ";Timeout=600"))
        {
            var (from, until) = (DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow);
            var orders = new ReportStore(connections).OrdersAsync(Guid.NewGuid(), from, until, CancellationToken.None).ToListAsync().AsTask();
            (await orders.OrFailAsync("the orders are read")).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task Statements_that_may_be_repeated_survive_the_loss_of_their_session_and_others_are_told()
    {
        using var connections = ApiConnections.Create(String(Hosts(fixture.Cluster.Coordinator)));
        var runs = 0;
        async Task<int> EndOnceAsync(NpgsqlConnection connection, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand(runs++ == 0 ? "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)" : "SELECT 1", connection);
            return await command.ExecuteNonQueryAsync(ct);
        }

        await connections.RunAsync(EndOnceAsync, CancellationToken.None, repeatable: true);
        runs.ShouldBe(2);
        runs = 0;
        await Should.ThrowAsync<PostgresException>(() => connections.RunAsync(EndOnceAsync, CancellationToken.None));
        runs.ShouldBe(1);
    }

    [Fact]
    public async Task A_host_that_is_asked_to_be_a_standby_is_none()
    {
        using var connections = ApiConnections.Create(String(Hosts(fixture.Cluster.Coordinator, fixture.Cluster.Coordinator)) + ";Target Session Attributes=standby");
        var none = await Should.ThrowAsync<NpgsqlException>(async () => await PortAsync(connections));
        DatabaseUnavailableHandler.IsUnavailable(none).ShouldBeTrue(none.ToString());
    }

    [Fact]
    public async Task A_pool_that_is_used_up_and_a_slow_statement_lose_nothing()
    {
        using var connections = ApiConnections.Create(String(Hosts(fixture.Cluster.Coordinator)) + ";Maximum Pool Size=1;Timeout=1;Command Timeout=1");
        await using (await connections.DataSource.OpenConnectionAsync())
        {
            var exhausted = await Should.ThrowAsync<NpgsqlException>(async () => await PortAsync(connections));
            exhausted.Message.ShouldContain("exhausted");
            ConnectionLoss.IsLost(exhausted).ShouldBeFalse();
            DatabaseUnavailableHandler.IsUnavailable(exhausted).ShouldBeTrue();
        }

        var slow = await Should.ThrowAsync<NpgsqlException>(async () => await RunAsync(connections, "SELECT pg_sleep(60)"));
        ConnectionLoss.IsLost(slow).ShouldBeFalse();
        DatabaseUnavailableHandler.IsUnavailable(slow).ShouldBeTrue();
    }

    [Fact]
    public async Task A_statement_that_ends_just_as_its_host_would_be_looked_at_is_answered()
    {
        using var connections = ApiConnections.Create(String(Hosts(fixture.Cluster.Coordinator)) + ";Maximum Pool Size=20");
        for (var round = 0; round < 5; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => connections.RunAsync(
                async (_, ct) =>
                {
                    await Task.Delay(ApiConnections.Patience, ct);
                    return i;
                },
                CancellationToken.None)));
            answers.ShouldBe(Enumerable.Range(0, 20));
        }
    }

    [Fact]
    public async Task A_session_that_is_ended_is_lost()
    {
        using var connections = ApiConnections.Create(String(Hosts(fixture.Cluster.Coordinator)));
        var ended = await Should.ThrowAsync<PostgresException>(async () => await RunAsync(connections, "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"));
        ended.SqlState.ShouldBe(PostgresErrorCodes.AdminShutdown);
        ConnectionLoss.IsLost(ended).ShouldBeTrue();
        DatabaseUnavailableHandler.IsUnavailable(ended).ShouldBeTrue();
    }

    [Theory]
    [InlineData(PostgresErrorCodes.AdminShutdown, "terminating connection due to administrator command")]
    [InlineData(PostgresErrorCodes.InternalError, "could not commit transaction for shard 102008 on at least one active node")]
    public async Task A_host_that_reports_the_loss_of_another_is_still_there(string code, string message)
    {
        using var connections = ApiConnections.Create(String($"127.0.0.1:1,{Hosts(fixture.Cluster.Coordinator)}") + ";Host Recheck Seconds=3600");
        var reported = await Should.ThrowAsync<PostgresException>(
            async () => await RunAsync(connections, $"DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END $$"));
        ConnectionLoss.IsLost(reported).ShouldBeFalse();
        DatabaseUnavailableHandler.IsUnavailable(reported).ShouldBeTrue();

        connections.OnFailure(reported);
        (await PortAsync(connections)).ShouldBe(fixture.Cluster.Coordinator.Port);
    }

    private static string Hosts(params ServerHandle[] nodes) => string.Join(',', nodes.Select(node => $"127.0.0.1:{node.Port}"));

    private static async Task<int> PortAsync(ApiConnections connections)
    {
        await using var command = connections.DataSource.CreateCommand("SELECT current_setting('port')::integer");
        return (int)(await command.ExecuteScalarAsync())!;
    }

    private static Task<int> PortOnAnyHostAsync(ApiConnections connections) => connections.RunAsync(
        async (connection, ct) =>
        {
            await using var command = new NpgsqlCommand("SELECT current_setting('port')::integer", connection);
            return (int)(await command.ExecuteScalarAsync(ct))!;
        },
        CancellationToken.None);

    private static async Task RunAsync(ApiConnections connections, string sql)
    {
        await using var command = connections.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private string String(string hosts)
    {
        var settings = new NpgsqlConnectionStringBuilder(fixture.Cluster.ApiConnectionString) { Host = hosts };
        settings.Remove("Port");
        return settings.ConnectionString;
    }
}
