using System.Net;
using System.Net.Sockets;
using DineHub.Api.Http.Errors;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Tests.Database;

public sealed class ConnectionTests
{
    private const string ClosedPort = "127.0.0.1:1";

    [Fact]
    public void Connection_string_gets_deadlines_where_it_has_none()
    {
        var settings = Settings("Host=a;Username=u");
        settings.Timeout.ShouldBe(2);
        settings.CommandTimeout.ShouldBe(5);
        settings.CancellationTimeout.ShouldBe(-1);
        settings.KeepAlive.ShouldBe(10);
        settings.HostRecheckSeconds.ShouldBe(2);
        settings.ApplicationName.ShouldBe("dinehub-api");
        settings.LoadBalanceHosts.ShouldBeFalse();
        settings.TargetSessionAttributes.ShouldBeNull();
    }

    [Fact]
    public void Connection_string_keeps_its_own_settings_in_any_spelling()
    {
        var settings = Settings("Server=a;timeout=7;CommandTimeout=8;cancellation timeout=0;KEEPALIVE=0;HostRecheckSeconds=9;Application Name=mine;MaxPoolSize=3");
        settings.Timeout.ShouldBe(7);
        settings.CommandTimeout.ShouldBe(8);
        settings.CancellationTimeout.ShouldBe(0);
        settings.KeepAlive.ShouldBe(0);
        settings.HostRecheckSeconds.ShouldBe(9);
        settings.ApplicationName.ShouldBe("mine");
        settings.MaxPoolSize.ShouldBe(3);
    }

    [Theory]
    [InlineData("", "read-write")]
    [InlineData(";Target Session Attributes=prefer-standby", "prefer-standby")]
    [InlineData(";TargetSessionAttributes=any;Load Balance Hosts=true", "any")]
    public async Task Several_hosts_are_one_data_source_that_looks_for_the_primary_by_default(string rest, string target)
    {
        await using var app = ApiDatabase.Build(("ConnectionStrings:dinehub", "Host=a:1,b:2,c;Username=u" + rest));
        var dataSource = app.Services.GetRequiredService<NpgsqlDataSource>().ShouldBeOfType<NpgsqlMultiHostDataSource>();
        app.Services.GetRequiredService<ApiConnections>().DataSource.ShouldBeSameAs(dataSource);
        var settings = new NpgsqlConnectionStringBuilder(dataSource.ConnectionString);
        settings.Host.ShouldBe("a:1,b:2,c");
        settings.TargetSessionAttributes.ShouldBe(target);
    }

    [Fact]
    public async Task A_server_that_refuses_is_lost()
    {
        using var connections = ApiConnections.Create($"Host={ClosedPort};Username=u");
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

    private static NpgsqlConnectionStringBuilder Settings(string connectionString) => ApiDatabase.Settings(("ConnectionStrings:dinehub", connectionString));
}
