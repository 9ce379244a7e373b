using DineHub.AppHost.Prerequisites;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using DineHub.Database.Servers;

namespace DineHub.Tests.Database.Servers;

/// <summary>What <c>db upgrade-server</c> refuses before it changes anything. <see cref="Failover.PostgresUpgradeTests"/> upgrades a cluster.</summary>
public sealed class ServerUpgradeTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly string bin = PostgresInstallation.Find().BinDirectory;

    public void Dispose()
    {
        ports.Dispose();
        directory.Dispose();
    }

    [PostgresFact]
    public async Task Server_that_runs_is_refused_and_goes_on()
    {
        await using var server = Server();
        server.MakeHome();
        server.Start();
        await server.StartedAsync();
        (await RefusalAsync(server.DataDirectory, bin, Newer())).ShouldContain("runs, or has crashed");
        await using var connection = await server.OpenAsync();
        (await connection.ScalarAsync<int>("SELECT 1", CancellationToken.None)).ShouldBe(1);
    }

    [PostgresFact]
    public async Task Standby_fenced_primary_and_wrong_programs_are_refused_and_the_data_stays()
    {
        await using var server = Server();
        server.MakeHome();
        (await server.JoinAsync()).ExitCode.ShouldBe(0);
        var before = Files(server.DataDirectory);

        (await RefusalAsync(server.DataDirectory, bin, bin)).ShouldContain("a newer version with --bin");
        (await RefusalAsync(server.DataDirectory, Newer(), Newer())).ShouldContain("with --from");
        (await RefusalAsync(server.Home, bin, Newer())).ShouldContain("is not the data of a PostgreSQL server");
        foreach (var note in new[] { "standby.signal", Fence.File })
        {
            await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, note), "");
            (await RefusalAsync(server.DataDirectory, bin, Newer())).ShouldContain("is not a primary's");
            File.Delete(Path.Combine(server.DataDirectory, note));
        }

        var control = Path.Combine(server.DataDirectory, "global", "pg_control");
        File.Move(control, control + ".old");
        (await RefusalAsync(server.DataDirectory, bin, Newer())).ShouldContain("was interrupted after its files were linked");
        File.Move(control + ".old", control);

        Files(server.DataDirectory).ShouldBe(before);
        Directory.GetDirectories(server.Home).ShouldBe([server.DataDirectory]);
    }

    [PostgresFact]
    public async Task Server_whose_data_is_of_another_major_version_does_not_start()
    {
        await using var server = Server();
        server.MakeHome();
        (await server.JoinAsync()).ExitCode.ShouldBe(0);
        await using var newer = Server(Newer());
        var (exitCode, _, errors) = await newer.JoinAsync();
        exitCode.ShouldNotBe(0);
        errors.ShouldContain("db upgrade-server");
        errors.ShouldContain("99");
    }

    private ServedServer Server(string? programs = null)
    {
        var coordinator = new DatabaseNode("db-coordinator", "eu", "127.0.0.1", ports.Next());
        var worker = new DatabaseNode("db-worker-1", "eu", "127.0.0.1", ports.Next());
        var environment = ServedServer.EnvironmentOf(coordinator, worker, standby: null);
        return new ServedServer(worker, directory.Path, environment) { BinDirectory = programs ?? bin };
    }

    // The installed programs, but for a server that says it is of a newer version.
    private string Newer()
    {
        var folder = Path.Combine(directory.Path, "newer");
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            foreach (var program in Directory.GetFiles(bin).Where(program => Path.GetFileName(program) != "postgres"))
            {
                File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(program)), program);
            }

            var postgres = Path.Combine(folder, "postgres");
            File.WriteAllText(postgres, "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n");
            File.SetUnixFileMode(postgres, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        return folder;
    }

    private static async Task<string> RefusalAsync(string data, string from, string bin) =>
        (await Should.ThrowAsync<DatabaseSetupException>(() => new ServerUpgrade(new ServerFiles(data, bin), from, _ => { }).RunAsync(CancellationToken.None))).Message;

    private static List<string> Files(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order()];
}
