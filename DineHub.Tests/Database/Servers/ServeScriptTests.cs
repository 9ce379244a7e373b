using System.Diagnostics;
using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using DineHub.Database.Servers;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Database.Servers;

/// <summary>serve.sh, which prepares a server by <c>db join</c> and becomes it.</summary>
public sealed class ServeScriptTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly DatabaseNode coordinator;
    private readonly DatabaseNode worker;
    private readonly DatabaseNode standby;

    public ServeScriptTests()
    {
        coordinator = new DatabaseNode("db-coordinator", "eu", "127.0.0.1", ports.Next());
        worker = new DatabaseNode("db-worker-1", "eu", "127.0.0.1", ports.Next());
        standby = new DatabaseNode("db-worker-1-standby", "us", "127.0.0.1", ports.Next());
    }

    [PostgresFact]
    public async Task Server_takes_the_scripts_process_without_the_passwords()
    {
        await using var server = Server(coordinator, standby: null);
        server.Start();
        await server.StartedAsync();
        Postmaster(server).ShouldBe(server.Process!.Id);
        if (OperatingSystem.IsLinux())
        {
            var environment = await File.ReadAllTextAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{server.Process.Id}/environ"));
            environment.ShouldContain("PATH=");
            environment.ShouldNotContain("Database__");
        }

        await server.SignalAsync("INT");
        await server.EndedAsync();
        server.Process.ExitCode.ShouldBe(0, server.Output);
    }

    [PostgresFact]
    public async Task Signal_during_the_join_ends_the_join_too()
    {
        await using var server = Server(standby, standby);
        server.Start();
        await Eventually.TrueAsync(() => server.Output.Contains("waits for db-worker-1", StringComparison.Ordinal) || server.Process!.HasExited, "the join waits");
        await server.SignalAsync("TERM");

        // The join would hold the output open.
        await server.EndedAsync();
        server.Process!.ExitCode.ShouldBe(143, server.Output);
    }

    [PostgresFact]
    public async Task Join_ends_when_the_script_is_killed()
    {
        // By prctl(2), which other systems lack.
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        await using var server = Server(standby, standby);
        server.Start();
        await Eventually.TrueAsync(() => server.Output.Contains("waits for db-worker-1", StringComparison.Ordinal) || server.Process!.HasExited, "the join waits");
        await server.SignalAsync("KILL");

        // The join would hold the output open.
        await server.EndedAsync();
    }

    [PostgresFact]
    public async Task Join_that_fails_is_the_scripts_failure()
    {
        await using var server = Server(coordinator with { Name = "db-nowhere" }, standby: null);
        server.Start();
        await server.EndedAsync();
        server.Process!.ExitCode.ShouldBe(1);
        server.Output.ShouldContain("There is no node 'db-nowhere'");
    }

    [PostgresFact]
    public async Task Server_of_an_earlier_run_is_shut_down_before_the_next_one_starts()
    {
        await using var first = Server(coordinator, standby: null);
        first.Start();
        await first.StartedAsync();

        // Its data folder by another name, as where /var/run is a link.
        var link = Path.Combine(directory.Path, "link");
        Directory.CreateSymbolicLink(link, directory.Path);
        await using var second = new ServedServer(coordinator, link, ServedServer.EnvironmentOf(coordinator, worker, standby: null));
        second.Start();
        await first.EndedAsync();
        first.Process!.ExitCode.ShouldBe(0, first.Output);
        await second.StartedAsync();
        second.Output.ShouldContain($"a server of an earlier run (process {first.Process.Id}) uses");
        second.Output.ShouldNotContain("interrupted");
    }

    [PostgresFact]
    public async Task Process_with_the_number_of_a_server_that_has_gone_is_left_alone()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        (await server.JoinAsync()).ExitCode.ShouldBe(0);

        // One that is no server, in the data folder; and a server of another folder.
        using var bystander = Process.Start(new ProcessStartInfo("sleep", ["600"]) { WorkingDirectory = server.DataDirectory })!;
        await using var other = Server(worker, standby: null);
        other.Start();
        await other.StartedAsync();
        foreach (var id in new[] { bystander.Id, other.Process!.Id })
        {
            await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "postmaster.pid"), string.Create(CultureInfo.InvariantCulture, $"{id}\n{server.DataDirectory}\n"));
            var (exitCode, output, errors) = await server.JoinAsync();
            exitCode.ShouldBe(0, errors);
            output.ShouldNotContain("earlier run");
        }

        bystander.HasExited.ShouldBeFalse();
        (await other.AnswersAsync()).ShouldBeTrue(other.Output);
        bystander.Kill();
    }

    [PostgresFact]
    public async Task Former_primary_follows_the_standby_that_was_promoted_after_a_kill()
    {
        await using var first = Server(coordinator, standby);
        await using var primary = Server(worker, standby);
        await using var follower = Server(standby, standby);
        first.Start();
        primary.Start();
        await first.StartedAsync();
        await primary.StartedAsync();
        var environment = ServedServer.EnvironmentOf(coordinator, worker, standby).ToDictionary(pair => pair.Key.Replace("__", ":", StringComparison.Ordinal), pair => (string?)pair.Value);
        var options = DatabaseOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(environment).Build());
        await new Migrator(await DatabaseCluster.ResolveAsync(options, CancellationToken.None)).MigrateAsync(CancellationToken.None);
        follower.Start();
        await follower.StartedAsync();
        follower.Output.ShouldContain("db-worker-1-standby is copied from db-worker-1");

        await primary.SignalAsync("KILL");
        await primary.EndedAsync();
        await new Promotion(options, TimeProvider.System, _ => { }).PromoteAsync("db-worker-1", new PromotionConsent(Lost: false, AcceptLoss: true), CancellationToken.None);
        await ExecuteAsync(follower, "CREATE TABLE written (text text)");
        primary.Start();
        await primary.StartedAsync();
        primary.Output.ShouldContain("db-worker-1 starts as Standby: db-worker-1-standby is the primary");
        await Eventually.TrueAsync(async () => await ScalarAsync(primary, "SELECT pg_is_in_recovery() AND to_regclass('written') IS NOT NULL"), "the former primary has what was written since");
    }

    [Theory]
    [InlineData("/opt/homebrew/opt/postgresql@17/bin/postgres -D /Users/o/db -c port=5432\n", true)]
    [InlineData("/opt/homebrew/opt/postgresql@17/bin/postgres -D /Users/o/db\n", true)]
    [InlineData("/opt/homebrew/opt/postgresql@17/bin/postgres -D /Users/o/db-2\n", false)]
    [InlineData("tail -D /Users/o/db\n", false)]
    [InlineData("", false)]
    public void Command_line_of_ps_shows_whose_server_a_process_is(string command, bool expected) =>
        LeftoverServer.IsServer(command, "/Users/o/db").ShouldBe(expected);

    public void Dispose()
    {
        ports.Dispose();
        directory.Dispose();
    }

    private ServedServer Server(DatabaseNode node, DatabaseNode? standby) => new(node, directory.Path, ServedServer.EnvironmentOf(coordinator, worker, standby));

    private static async Task ExecuteAsync(ServedServer server, string sql)
    {
        await using var connection = await server.OpenAsync();
        await connection.ExecuteAsync(sql, CancellationToken.None);
    }

    private static async Task<bool> ScalarAsync(ServedServer server, string sql)
    {
        await using var connection = await server.OpenAsync();
        return await connection.ScalarAsync<bool>(sql, CancellationToken.None);
    }

    private static int Postmaster(ServedServer server) =>
        int.Parse(File.ReadLines(Path.Combine(server.DataDirectory, "postmaster.pid")).First(), CultureInfo.InvariantCulture);
}
