using System.Diagnostics;
using DineHub.Database.Servers;
using DineHub.Database.Tools;
using DineHub.Tests.Hosting;
using Xunit.Abstractions;

namespace DineHub.Tests.Failover;

/// <summary>PostgreSQL's major version changes under a cluster that takes orders, as the runbook has it.</summary>
public sealed class PostgresUpgradeTests(PostgresUpgradeFixture fixture, ITestOutputHelper output) : IClassFixture<PostgresUpgradeFixture>
{
    [NextPostgresFact]
    public async Task Groups_get_a_new_major_version_while_orders_flow()
    {
        await fixture.HealAsync();
        var before = await MajorsAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        fixture.Install();

        // An upgrade that fails before files are linked leaves the server as it was.
        await FailAsync("db-worker-2");

        // A worker whose region has another one is emptied first: its restaurants do not wait.
        await VerbAsync("remove-worker", "db-worker-3");
        var refused = load.Refused;
        await UpgradeAsync("db-worker-3", () => load.ReachAsync(20));
        load.Refused.ShouldBe(refused);
        await VerbAsync("add-worker", "db-worker-3");
        (await MigrateAsync()).ShouldContain($"db-coordinator: PostgreSQL is {before[0]}, elsewhere ");
        await UpgradeAsync("db-worker-1", () => Task.CompletedTask);
        await UpgradeAsync("db-worker-2", () => Task.CompletedTask);

        // The coordinator last: it would send the workers privileges that only the newer version has. Orders do not need it.
        await UpgradeAsync("db-coordinator", () => load.ReachAsync(20));
        load.Faults.ShouldBeEmpty();

        await load.ReachAsync(20);
        await fixture.TakeOrdersAsync();
        await load.StopAsync();
        await load.VerifyAsync();
        (await MajorsAsync()).Distinct().ShouldHaveSingleItem().ShouldBeGreaterThan(before[0]);
        (await MigrateAsync()).ShouldNotContain("PostgreSQL is");
        output.WriteLine($"{load.Acknowledged.Sum(keys => keys.Value.Count)} orders acknowledged, {load.Refused} answers 503");
    }

    private async Task UpgradeAsync(string group, Func<Task> meanwhile)
    {
        var (primary, standby) = await fixture.GroupAsync(group);
        var clock = Stopwatch.StartNew();
        await primary.StopAsync();
        await VerbAsync("upgrade-server", "--data", primary.DataDirectory, "--from", fixture.Before!, "--bin", fixture.Link);
        await meanwhile();
        await StartAsync(primary);
        output.WriteLine($"{group} was away for {clock.Elapsed.TotalSeconds:0.0} s");
        await standby.StopAsync();
        await StartAsync(standby);
        await Eventually.TrueAsync(() => fixture.InSyncAsync(group), $"{group} is in sync");
    }

    private async Task FailAsync(string group)
    {
        var programs = Path.Combine(Path.GetDirectoryName(fixture.Link)!, "failing");
        Directory.CreateDirectory(programs);
        foreach (var program in Directory.GetFiles(TestEngine.Next!).Where(program => Path.GetFileName(program) != "pg_upgrade"))
        {
            File.CreateSymbolicLink(Path.Combine(programs, Path.GetFileName(program)), program);
        }

        var failing = Path.Combine(programs, "pg_upgrade");
        await File.WriteAllTextAsync(failing, $"#!/bin/sh\ncase \"$*\" in *--check*) exec '{TestEngine.Next}/pg_upgrade' \"$@\";; esac\necho 'no' >&2\nexit 1\n");
        File.SetUnixFileMode(failing, (UnixFileMode)Convert.ToInt32("755", 8));
        var (primary, _) = await fixture.GroupAsync(group);
        await primary.StopAsync();
        var upgrade = new ServerUpgrade(new ServerFiles(primary.DataDirectory, programs), fixture.Before!, output.WriteLine);
        (await Should.ThrowAsync<ToolException>(() => upgrade.RunAsync(CancellationToken.None))).Message.ShouldContain("no");

        // The link is to the new programs, and this server still has the former data.
        fixture.Remove();
        await StartAsync(primary);
        fixture.Install();
        await using var dataSource = fixture.Connect(primary.Name);
        await using var command = dataSource.CreateCommand("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'pg\\_dist\\_%' AND schemaname = 'public'");
        (await command.ExecuteScalarAsync()).ShouldBe(0L);
        command.CommandText = "SELECT any_value(id) IS NOT NULL AND array_cat_agg(ARRAY[1]) IS NOT NULL FROM (VALUES (1), (2)) AS numbers (id)";
        (await command.ExecuteScalarAsync()).ShouldBe(true);
        await Eventually.TrueAsync(() => fixture.InSyncAsync(group), $"{group} is in sync");
        await fixture.TakeOrdersAsync();
    }

    private static Task StartAsync(ServerHandle server) => server.StartAsync(CancellationToken.None).OrFailAsync($"{server.Name} has started", Deadline.Cluster);

    private Task VerbAsync(string verb, params string[] arguments) =>
        fixture.Cluster.DatabaseVerbAsync(verb, CancellationToken.None, arguments).OrFailAsync($"{verb} has ended", Deadline.Cluster);

    private async Task<string> MigrateAsync()
    {
        await VerbAsync("migrate");
        return await File.ReadAllTextAsync(Path.Combine(fixture.Cluster.DataDirectory, "logs", "db-migrate.log"));
    }

    private async Task<List<int>> MajorsAsync()
    {
        var majors = new List<int>();
        foreach (var server in fixture.Cluster.Databases)
        {
            await using var dataSource = fixture.Connect(server.Name);
            await using var connection = await dataSource.OpenConnectionAsync();
            majors.Add(connection.PostgreSqlVersion.Major);
        }

        return majors;
    }
}
