using System.Net;
using System.Net.Sockets;
using DineHub.Api.Errors;
using DineHub.Database;
using Npgsql;

namespace DineHub.Tests.Database;

public sealed class ConnectionTests
{
    private const string NobodyListens = "127.0.0.1:1";

    [Fact]
    public void What_a_connection_string_does_not_say_gets_a_deadline()
    {
        var settings = ApiConnections.WithDefaults("Host=a;Username=u");
        settings.Timeout.ShouldBe(2);
        settings.CommandTimeout.ShouldBe(5);
        settings.CancellationTimeout.ShouldBe(-1);
        settings.KeepAlive.ShouldBe(10);
        settings.HostRecheckSeconds.ShouldBe(2);
        settings.LoadBalanceHosts.ShouldBeFalse();
    }

    [Fact]
    public void What_a_connection_string_says_wins_however_it_is_spelled()
    {
        var settings = ApiConnections.WithDefaults("Server=a;timeout=7;CommandTimeout=8;cancellation timeout=0;KEEPALIVE=0;HostRecheckSeconds=9;Application Name=mine");
        settings.Timeout.ShouldBe(7);
        settings.CommandTimeout.ShouldBe(8);
        settings.CancellationTimeout.ShouldBe(0);
        settings.KeepAlive.ShouldBe(0);
        settings.HostRecheckSeconds.ShouldBe(9);
        settings.ApplicationName.ShouldBe("mine");
    }

    [Theory]
    [InlineData("")]
    [InlineData(";Target Session Attributes=prefer-standby")]
    [InlineData(";TargetSessionAttributes=read-write;Load Balance Hosts=true")]
    public void Several_hosts_may_be_named_with_or_without_what_they_should_be(string rest)
    {
        using var connections = ApiConnections.Create("Host=a:1,b:2,c;Username=u" + rest);
        connections.DataSource.ConnectionString.ShouldContain("a:1,b:2,c");
    }

    [Fact]
    public async Task A_server_that_refuses_is_lost()
    {
        using var connections = ApiConnections.Create($"Host={NobodyListens};Username=u");
        var refused = await FailureAsync(connections);
        ConnectionLoss.IsLost(refused).ShouldBeTrue();
        DatabaseUnavailableHandler.IsUnavailable(refused).ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_hangs_up_is_lost()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var accepting = server.AcceptTcpClientAsync().ContinueWith(client => client.Result.Dispose(), TaskScheduler.Default);
        using var connections = ApiConnections.Create($"Host=127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port};Username=u;SSL Mode=Disable;GSS Encryption Mode=Disable");
        var ended = await FailureAsync(connections);
        await accepting.OrFailAsync("the server is connected to");
        ConnectionLoss.IsLost(ended).ShouldBeTrue(ended.ToString());
        DatabaseUnavailableHandler.IsUnavailable(ended).ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_unavailable_but_its_connections_are_kept()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        using var connections = ApiConnections.Create($"Host=127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port};Username=u;Timeout=1");
        var late = await FailureAsync(connections);
        ConnectionLoss.IsLost(late).ShouldBeFalse(late.ToString());
        DatabaseUnavailableHandler.IsUnavailable(late).ShouldBeTrue(late.ToString());
    }

    [Fact]
    public async Task Several_hosts_that_are_all_down_are_unavailable_also_while_that_is_remembered()
    {
        using var connections = ApiConnections.Create("Host=127.0.0.1:1,127.0.0.1:2;Username=u;Host Recheck Seconds=3600");
        var found = await FailureAsync(connections);
        found.InnerException.ShouldBeOfType<AggregateException>();
        ConnectionLoss.IsLost(found).ShouldBeTrue();
        DatabaseUnavailableHandler.IsUnavailable(found).ShouldBeTrue();

        var remembered = await FailureAsync(connections);
        remembered.InnerException.ShouldBeNull();
        DatabaseUnavailableHandler.IsUnavailable(remembered).ShouldBeTrue(remembered.ToString());
    }

    [Theory]
    [InlineData("FATAL", PostgresErrorCodes.AdminShutdown, true)]
    [InlineData("FATAL", PostgresErrorCodes.CrashShutdown, true)]
    [InlineData("FATAL", PostgresErrorCodes.CannotConnectNow, true)]
    [InlineData("FATAL", PostgresErrorCodes.TooManyConnections, false)]
    [InlineData("ERROR", PostgresErrorCodes.AdminShutdown, false)]
    [InlineData("ERROR", PostgresErrorCodes.InternalError, false)]
    [InlineData("ERROR", PostgresErrorCodes.ConnectionFailure, false)]
    public void What_a_server_says_of_itself_is_told_from_what_it_says_of_another(string severity, string code, bool lost) =>
        ConnectionLoss.IsLost(new PostgresException("x", severity, severity, code)).ShouldBe(lost);

    [Fact]
    public void Of_several_hosts_one_that_is_only_slow_keeps_its_connections()
    {
        var refused = new NpgsqlException("x", new SocketException());
        var slow = new NpgsqlException("x", new TimeoutException());
        ConnectionLoss.IsLost(new NpgsqlException("x", new AggregateException(refused, refused))).ShouldBeTrue();
        ConnectionLoss.IsLost(new NpgsqlException("x", new AggregateException(refused, slow))).ShouldBeFalse();
    }

    [Fact]
    public void A_mistake_is_neither_lost_nor_unavailable()
    {
        foreach (var mistake in new Exception[] { new NpgsqlException("x"), new InvalidOperationException(), new PostgresException("x", "ERROR", "ERROR", PostgresErrorCodes.UndefinedTable) })
        {
            ConnectionLoss.IsLost(mistake).ShouldBeFalse();
            DatabaseUnavailableHandler.IsUnavailable(mistake).ShouldBeFalse();
        }
    }

    private static async Task<NpgsqlException> FailureAsync(ApiConnections connections) =>
        await Should.ThrowAsync<NpgsqlException>(async () =>
        {
            await using var connection = await connections.DataSource.OpenConnectionAsync();
        });
}
