using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Tests.Hosting;
using DineHub.Tests.Processes;
using Npgsql;

namespace DineHub.Tests.Running;

/// <summary>The AppHost as a user starts it.</summary>
public sealed class AppHostTests
{
    [Fact]
    public void Allocators_that_run_side_by_side_never_share_a_port_and_give_theirs_back()
    {
        using var first = new PortAllocator();
        using var second = new PortAllocator();
        var ports = Enumerable.Range(0, 150).SelectMany(_ => new[] { first.Next(), second.Next() }).ToList();
        ports.ShouldBeUnique();
        ports.ShouldAllBe(port => port > 20_000 && port < 32_768);
    }

    [Fact]
    public async Task Killed_AppHost_leaves_nothing_running()
    {
        using var directory = new TemporaryDirectory();
        using var running = new RunningAppHost(directory);
        var appHost = running.Process;
        var pids = await WaitForProcessesAsync(appHost, directory);
        appHost.Kill();
        await Eventually.TrueAsync(() => pids.TrueForAll(HasEnded), "every process has ended, those of the orchestrator and of the dashboard too");
    }

    [Fact]
    public async Task Interrupted_AppHost_stops_everything_in_order_and_keeps_the_data()
    {
        using var directory = new TemporaryDirectory();
        using var running = new RunningAppHost(directory);
        var appHost = running.Process;
        var pids = await WaitForProcessesAsync(appHost, directory);
        await EndAsync(appHost, ProcessSignal.Interrupt);
        appHost.ExitCode.ShouldBe(0);
        await Eventually.TrueAsync(() => pids.TrueForAll(HasEnded), "every process has ended, those of the orchestrator and of the dashboard too");
        File.Exists(Path.Combine(directory.Path, "cluster.json")).ShouldBeFalse();
        File.Exists(Path.Combine(directory.Path, "db.env")).ShouldBeFalse();
        (File.GetUnixFileMode(Path.Combine(directory.Path, "secrets.json")) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)).ShouldBe(UnixFileMode.None);
        // All but the spare worker's, which has never been started.
        var servers = Directory.GetDirectories(Path.Combine(directory.Path, "nodes")).Where(server => Directory.Exists(Path.Combine(server, "pgdata"))).ToList();
        servers.Count.ShouldBe(8);
        foreach (var server in servers)
        {
            (await StateOfAsync(server)).ShouldBeOneOf("shut down", "shut down in recovery");
        }

        // Once more, on the same data: the restaurants are there, and so nothing is added.
        using var again = new RunningAppHost(directory);
        await WaitForProcessesAsync(again.Process, directory);
        (await File.ReadAllTextAsync(Path.Combine(directory.Path, "logs", "db-seed.log"))).ShouldContain("0 of 12 restaurants were added");
        await EndAsync(again.Process, ProcessSignal.Terminate);
        again.Process.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Failed_start_ends_with_one_message_and_exit_code_1()
    {
        using var directory = new TemporaryDirectory();
        string[] arguments = [.. RunningAppHost.Arguments(directory), "--set", "Database:Standbys=false", "--set", "Database:Durability=Local"];
        await using (var cluster = await TestCluster.CreateAsync(directory.Path, TestEngine.Name, ("Database:Standbys", "false"), ("Database:Durability", "Local")))
        {
            await cluster.StartAsync().OrFailAsync("the cluster has started", Deadline.Cluster);
            await using var dataSource = NpgsqlDataSource.Create(cluster.Coordinator.AdminConnectionString("dinehub"));
            await using var command = dataSource.CreateCommand("UPDATE dinehub.migrations SET checksum = 'another' WHERE number = 1");
            (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        }

        var (exitCode, output) = await AppHostProcess.RunAsync(arguments);
        exitCode.ShouldBe(1, output);
        output.ShouldContain("db-migrate: 'DineHub.Api db migrate' failed with exit code");
        output.ShouldContain("Migrations that were applied have changed since");
        output.ShouldNotContain("   at ");

        var secrets = Path.Combine(directory.Path, "secrets.json");
        var text = await File.ReadAllTextAsync(secrets);
        using var values = JsonDocument.Parse(text);
        await File.WriteAllTextAsync(secrets, text.Replace(values.RootElement.GetProperty("postgresPassword").GetString()!, "another", StringComparison.Ordinal));
        (exitCode, output) = await AppHostProcess.RunAsync(arguments);
        exitCode.ShouldBe(1, output);
        output.ShouldContain("refuses the password of this data folder; start over with --fresh.");
        output.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("--frsh", "--fresh")]
    [InlineData("--verbos", "--verbose")]
    [InlineData("--restore-too", "--restore-to")]
    public async Task Misspelt_option_is_refused_with_the_likely_one(string option, string likely)
    {
        var (exitCode, output) = await AppHostProcess.RunAsync([option]);
        exitCode.ShouldBe(1, output);
        output.ShouldContain($"'{option}' was not matched");
        output.ShouldContain(likely);
    }

    [Fact]
    public async Task Misspelt_option_is_refused_when_Aspires_command_line_publishes()
    {
        using var directory = new TemporaryDirectory();
        var (exitCode, output) = await AppHostProcess.RunAsync(["--operation", "publish", "--step", "publish", "--output-path", directory.Path, "--topolgy", "x.json"]);
        exitCode.ShouldBe(1, output);
        output.ShouldContain("--topology");
        Directory.EnumerateFileSystemEntries(directory.Path).ShouldBeEmpty();
    }

    [Fact]
    public void A_second_run_on_the_same_folder_is_refused_with_the_first_ones_process()
    {
        using var directory = new TemporaryDirectory();
        using var first = ClusterDirectory.Open(directory.Path, fresh: false);
        var refusal = Should.Throw<PrerequisiteException>(() => ClusterDirectory.Open(directory.Path, fresh: true));
        refusal.Problem.ShouldContain($"process {Environment.ProcessId}");
        refusal.Remedy.ShouldContain("--data");
    }

    [Fact]
    public void A_folder_that_holds_something_else_is_not_touched()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "thesis.txt");
        File.WriteAllText(file, "years of work");
        Should.Throw<PrerequisiteException>(() => ClusterDirectory.Open(directory.Path, fresh: true));
        File.Exists(file).ShouldBeTrue();
    }

    [Fact]
    public async Task A_gateway_port_that_is_taken_is_named_with_the_remedy()
    {
        using var ports = new PortAllocator();
        var port = ports.Next();
        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        using var directory = new TemporaryDirectory();
        var (exitCode, output) = await AppHostProcess.RunAsync(["--data", directory.Path, "--set", $"Local:GatewayPort={port}"]);
        exitCode.ShouldBe(1);
        output.ShouldContain($"Port {port} of 127.0.0.1");
        output.ShouldContain("--set Local:GatewayPort=");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_missing_PostgreSQL_is_named_with_the_command_that_installs_it()
    {
        using var directory = new TemporaryDirectory();
        var (exitCode, output) = await AppHostProcess.RunAsync(
            ["--data", directory.Path, "--set", "Local:GatewayPort=0"], (PostgresInstallation.DirectoryVariable, directory.Path));
        exitCode.ShouldBe(1);
        output.ShouldContain("apt-get install postgresql");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_cluster_of_another_shape_runs_as_well()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.CreateAsync(
            directory.Path, TestEngine.Name, ("Regions:0:Backends", "1"), ("Regions:1:Backends", "1"), ("Database:Workers:3:Region", "us-east-1"));
        await cluster.StartAsync().OrFailAsync("the cluster has started", Deadline.Cluster);
        cluster.Nodes.ShouldAllBe(node => node.State == NodeState.Ready);
        cluster.Workers.Count.ShouldBe(4);
        Should.Throw<ArgumentException>(() => cluster.Node("db-worker-9")).Message.ShouldContain("db-worker-4");
        await cluster.DatabaseVerbAsync("status", CancellationToken.None);
        var status = await File.ReadAllTextAsync(Path.Combine(directory.Path, "logs", "db-status.log"));
        status.ShouldContain("12 restaurants, 12 of them on a worker in their own region");
        status.ShouldContain("db-worker-4");
    }

    private static async Task EndAsync(Process appHost, int signal)
    {
        ProcessLauncher.Signal(appHost, signal);
        await Programs.HasEndedAsync(appHost);
    }

    private static async Task<string> StateOfAsync(string server)
    {
        var (_, output, _) = await Programs.RunAsync(new ProcessStartInfo(PostgresInstallation.Find().Program("pg_controldata"), [Path.Combine(server, "pgdata")])
        {
            Environment = { ["LC_ALL"] = "C" },
        });
        return output.Split('\n').First(line => line.StartsWith("Database cluster state:", StringComparison.Ordinal)).Split(':')[1].Trim();
    }

    /// <summary>Waits until the cluster is ready, and returns its processes: the nodes', PostgreSQL's children, the orchestrator's, the dashboard's.</summary>
    private static async Task<List<int>> WaitForProcessesAsync(Process appHost, TemporaryDirectory directory)
    {
        var file = Path.Combine(directory.Path, "cluster.json");
        await Eventually.TrueAsync(() => appHost.HasExited || File.Exists(file), "the cluster is ready", Deadline.Cluster);
        appHost.HasExited.ShouldBeFalse();
        using var state = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        var nodes = state.RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("processId").GetInt32()).ToList();
        nodes.Count.ShouldBe(15);
        var running = Directory.GetDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0).Where(pid => pid > 0).ToList();
        var orchestrators = running.Where(pid => CommandLineOf(pid).Contains($"--monitor {appHost.Id} ", StringComparison.Ordinal)).ToList();
        orchestrators.ShouldNotBeEmpty();
        var parents = nodes.Concat(orchestrators).ToHashSet();
        var all = running.Where(pid => parents.Contains(ProcessSignal.ParentOf(pid))).Concat(parents).Distinct().ToList();
        all.Count.ShouldBeGreaterThan(2 * nodes.Count);
        return all;
    }

    private static string CommandLineOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ') + " ";
        }
        catch (IOException)
        {
            return "";
        }
    }

    // A zombie has ended too: it only waits for its parent to reap it.
    private static bool HasEnded(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] == 'Z';
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>One that is up, or on its way. A test that fails leaves no cluster behind.</summary>
    private sealed class RunningAppHost : IDisposable
    {
        public RunningAppHost(TemporaryDirectory directory)
        {
            Process = AppHostProcess.Start(Arguments(directory));
            Process.OutputDataReceived += (_, _) => { };
            Process.ErrorDataReceived += (_, _) => { };
            Process.BeginOutputReadLine();
            Process.BeginErrorReadLine();
        }

        public Process Process { get; }

        public static string[] Arguments(TemporaryDirectory directory) =>
            ["up", "--data", directory.Path, "--engine", TestEngine.Name, "--set", "Local:GatewayPort=0", "--set", "Local:GatewayTlsPort=0"];

        public void Dispose()
        {
            ProcessLauncher.Signal(Process, ProcessSignal.Kill);
            Process.Dispose();
        }
    }
}
