using System.Diagnostics;
using DineHub.AppHost.Prerequisites;
using DineHub.Database.Nodes;
using DineHub.Database.Servers;
using DineHub.Tests.Failover;

namespace DineHub.Tests.Database.Servers;

/// <summary><c>db join --initialize</c> for a server that has no data yet.</summary>
public sealed class NewServerTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly DatabaseNode coordinator;
    private readonly DatabaseNode worker;
    private readonly DatabaseNode standby;

    public NewServerTests()
    {
        coordinator = new DatabaseNode("db-coordinator", "eu", "127.0.0.1", ports.Next());
        worker = new DatabaseNode("db-worker-1", "eu", "127.0.0.1", ports.Next());
        standby = new DatabaseNode("db-worker-1-standby", "us", "127.0.0.1", ports.Next());
    }

    [PostgresFact]
    public async Task New_server_starts_with_its_settings_and_takes_the_password()
    {
        await using var server = Server(worker, standby);
        server.MakeHome();
        var (exitCode, output, errors) = await server.JoinAsync("--setting", @"cluster_name=o'neil\n", "--setting", "wal_keep_size=48MB");
        exitCode.ShouldBe(0, output + errors);
        output.ShouldContain("db-worker-1 starts as New");
        output.ShouldNotContain(ServedServer.Password);
        Directory.EnumerateFileSystemEntries(server.Home).Select(Path.GetFileName).ShouldBe(["pgdata"], "no password file, nothing half-made");
        var made = File.GetLastWriteTimeUtc(Path.Combine(server.DataDirectory, "PG_VERSION"));

        // The partner was never there, and the operator knows that.
        server.Start("--force");
        await server.StartedAsync();
        await using var connection = await server.OpenAsync();
        (await connection.ScalarAsync<string>("SELECT concat_ws('|', current_setting('cluster_name'), current_setting('wal_keep_size'), current_setting('data_checksums'))", CancellationToken.None))
            .ShouldBe(@"o'neil\n|48MB|on");
        File.GetLastWriteTimeUtc(Path.Combine(server.DataDirectory, "PG_VERSION")).ShouldBe(made);
    }

    [PostgresFact]
    public async Task Server_without_a_standby_is_new_once_and_then_keeps_its_data()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        (await server.JoinAsync()).ExitCode.ShouldBe(0);
        var before = Files(server.DataDirectory);
        var (exitCode, output, errors) = await server.JoinAsync("--setting", "wal_keep_size=1MB");
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("db-coordinator starts as Primary: it has no standby");
        Files(server.DataDirectory).ShouldBe(before);
    }

    [PostgresFact]
    public async Task Join_makes_nothing_when_it_is_not_told_to_initialize()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        var (exitCode, output, errors) = await server.RunAsync([], ServedServer.EnvironmentOf(coordinator, worker, standby: null));
        exitCode.ShouldBe(0, errors);
        output.ShouldContain("starts as New");
        Directory.EnumerateFileSystemEntries(server.Home).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task Half_made_folder_of_a_killed_initdb_is_replaced()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        Directory.CreateDirectory(server.DataDirectory + ".new");
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory + ".new", "PG_VERSION"), "15\n");
        await File.WriteAllTextAsync(server.DataDirectory + ".password", "of an earlier run, readable to all");
        Directory.CreateDirectory(server.DataDirectory);
        var (exitCode, output, errors) = await server.JoinAsync();
        exitCode.ShouldBe(0, output + errors);
        File.Exists(Path.Combine(server.DataDirectory, "global", "pg_control")).ShouldBeTrue();
        Directory.EnumerateFileSystemEntries(server.Home).Select(Path.GetFileName).ShouldBe(["pgdata"]);
    }

    [PostgresFact]
    public async Task Folder_with_other_files_is_left_alone()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        Directory.CreateDirectory(server.DataDirectory);
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "thesis.txt"), "years of work");
        var (exitCode, _, errors) = await server.JoinAsync();
        exitCode.ShouldBe(1);
        errors.ShouldContain($"'{server.DataDirectory}' is neither empty nor the data of a PostgreSQL server");
        Directory.EnumerateFileSystemEntries(server.DataDirectory).Select(Path.GetFileName).ShouldBe(["thesis.txt"]);
    }

    [PostgresFact]
    public async Task Password_that_is_missing_is_reported_by_its_key()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        var environment = ServedServer.EnvironmentOf(coordinator, worker, standby: null);
        environment["Database__AdminConnectionString"] = "Username=postgres";
        var (exitCode, _, errors) = await server.RunAsync(["--initialize"], environment);
        exitCode.ShouldNotBe(0);
        errors.ShouldContain("Database:AdminConnectionString: must have the password");
        Directory.EnumerateFileSystemEntries(server.Home).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task Files_belong_to_the_servers_user_also_when_the_verb_runs_as_root()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();
        (await server.JoinAsync("--setting", "wal_keep_size=1MB")).ExitCode.ShouldBe(0);
        var owner = UnprivilegedUser.Find()?.Name ?? Environment.UserName;
        var (exitCode, output, errors) = await Programs.RunAsync(new ProcessStartInfo("find", [server.Home, "!", "-user", owner]));
        exitCode.ShouldBe(0, errors);
        output.ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task Initdb_that_fails_is_reported_with_the_end_of_its_output()
    {
        var programs = Path.Combine(directory.Path, "bin");
        Directory.CreateDirectory(programs);
        await File.WriteAllTextAsync(Path.Combine(programs, "initdb"), "#!/bin/sh\necho 'could not make shared memory' >&2\nexit 3\n");
        File.SetUnixFileMode(Path.Combine(programs, "initdb"), (UnixFileMode)Convert.ToInt32("755", 8));
        await using var server = new ServedServer(coordinator, directory.Path, ServedServer.EnvironmentOf(coordinator, worker, standby: null)) { BinDirectory = programs };
        server.MakeHome();
        var (exitCode, _, errors) = await server.JoinAsync();
        exitCode.ShouldBe(1);
        errors.ShouldContain("initdb failed with exit code 3: could not make shared memory");
        Directory.EnumerateFileSystemEntries(server.Home).ShouldBeEmpty();
    }

    [PostgresFact]
    public async Task Folder_out_of_reach_is_reported_in_one_line()
    {
        await using var server = Server(coordinator, standby: null);
        server.MakeHome();

        // PostgreSQL's user cannot pass through the folder above where this process is root, and cannot write to its own where it is not.
        const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        File.SetUnixFileMode(Environment.IsPrivilegedProcess ? directory.Path : server.Home, Closed);
        var (exitCode, _, errors) = await server.JoinAsync();
        File.SetUnixFileMode(Environment.IsPrivilegedProcess ? directory.Path : server.Home, Closed | UnixFileMode.UserWrite);
        exitCode.ShouldBe(1);
        errors.TrimEnd().ShouldStartWith($"fail: Permission denied: the user that PostgreSQL runs as cannot reach '{server.DataDirectory}'");
        errors.TrimEnd().ShouldNotContain('\n');
    }

    [SmallDiskFact]
    public async Task Full_disk_is_reported_in_one_line()
    {
        await using var server = Server(coordinator, standby: null);
        await using var disk = await SmallDisk.MountAsync(server.Home, UnprivilegedUser.Find()!);
        disk.Fill();
        var (exitCode, _, errors) = await server.JoinAsync();
        exitCode.ShouldBe(1);
        errors.TrimEnd().ShouldStartWith($"fail: No space left on the disk of '{server.DataDirectory}'");
        errors.TrimEnd().ShouldNotContain('\n');
    }

    [Theory]
    [InlineData("wal_keep_size=256MB", "wal_keep_size = '256MB'")]
    [InlineData("citus.local_hostname=", "citus.local_hostname = ''")]
    [InlineData(@"archive_command=cp '%p' a\b=c", @"archive_command = 'cp ''%p'' a\\b=c'")]
    public void Setting_is_written_so_that_PostgreSQL_reads_its_value(string text, string line) => ServerSetting.Parse(text).ToString().ShouldBe(line);

    [Theory]
    [InlineData("wal_keep_size")]
    [InlineData("=1")]
    [InlineData("a b=1")]
    [InlineData("a=1\nfsync=off")]
    public void Setting_that_is_not_one_line_of_name_and_value_is_refused(string text) => Should.Throw<FormatException>(() => ServerSetting.Parse(text));

    public void Dispose()
    {
        ports.Dispose();
        directory.Dispose();
    }

    private ServedServer Server(DatabaseNode node, DatabaseNode? standby) => new(node, directory.Path, ServedServer.EnvironmentOf(coordinator, worker, standby));

    private static string[] Files(string directory) =>
        [.. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{file} {new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file):O}")];
}
