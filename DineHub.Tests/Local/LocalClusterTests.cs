using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DineHub.AppHost.Local;

namespace DineHub.Tests.Local;

public sealed class LocalClusterTests
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
    public async Task An_AppHost_that_is_killed_leaves_nothing_running()
    {
        using var directory = new TemporaryDirectory();
        using var running = new RunningAppHost(directory);
        var appHost = running.Process;
        var pids = await WaitForProcessesAsync(appHost, directory);
        appHost.Kill();
        await Eventually.TrueAsync(() => pids.TrueForAll(HasEnded), "every process has ended");
    }

    [Fact]
    public async Task An_AppHost_that_is_asked_to_stop_stops_everything_and_keeps_the_data()
    {
        using var directory = new TemporaryDirectory();
        using var running = new RunningAppHost(directory);
        var appHost = running.Process;
        var pids = await WaitForProcessesAsync(appHost, directory);
        await TerminateAsync(appHost);
        appHost.ExitCode.ShouldBe(0);
        pids.ShouldAllBe(pid => HasEnded(pid));
        File.Exists(Path.Combine(directory.Path, "cluster.json")).ShouldBeFalse();
        File.Exists(Path.Combine(directory.Path, "nodes", "db-coordinator", "pgdata", "PG_VERSION")).ShouldBeTrue();
        (File.GetUnixFileMode(Path.Combine(directory.Path, "secrets.json")) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)).ShouldBe(UnixFileMode.None);

        // Once more, on the same data: the restaurants are there, and so nothing is added.
        using var again = new RunningAppHost(directory);
        await WaitForProcessesAsync(again.Process, directory);
        (await File.ReadAllTextAsync(Path.Combine(directory.Path, "logs", "db-seed.log"))).ShouldContain("0 of 12 restaurants were added");
        await TerminateAsync(again.Process);
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
        var topology = ReferenceTopology.Load(("Regions:0:Backends", "1"), ("Regions:1:Backends", "1"), ("Database:Workers:3:Region", "us-east-1"));
        await using var cluster = new LocalCluster(topology, new LocalClusterOptions { DataDirectory = directory.Path, DeleteData = true, Engine = TestEngine.Name });
        await cluster.StartAsync(CancellationToken.None).OrFailAsync("the cluster has started", Deadline.Cluster);
        cluster.Nodes.ShouldAllBe(node => node.State == NodeState.Ready);
        cluster.Workers.Count.ShouldBe(4);
        Should.Throw<ArgumentException>(() => cluster.Node("db-worker-9")).Message.ShouldContain("db-worker-4");
        await cluster.DatabaseVerbAsync("status", CancellationToken.None);
        var status = await File.ReadAllTextAsync(Path.Combine(directory.Path, "logs", "db-status.log"));
        status.ShouldContain("12 restaurants, 12 of them on a worker in their own region");
        status.ShouldContain("db-worker-4");
    }

    private static async Task TerminateAsync(Process appHost)
    {
        ProcessLauncher.Signal(appHost, ProcessLauncher.SigTerm);
        await Programs.HasEndedAsync(appHost);
    }

    /// <summary>Waits until the cluster is ready, and returns the processes that it consists of, PostgreSQL's children included.</summary>
    private static async Task<List<int>> WaitForProcessesAsync(Process appHost, TemporaryDirectory directory)
    {
        var file = Path.Combine(directory.Path, "cluster.json");
        await Eventually.TrueAsync(() => appHost.HasExited || File.Exists(file), "the cluster is ready");
        appHost.HasExited.ShouldBeFalse();
        using var state = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        var nodes = state.RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("processId").GetInt32()).ToList();
        nodes.Count.ShouldBe(15);
        var all = Directory.GetDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
            .Where(pid => pid > 0 && nodes.Contains(ProcessLauncher.ParentOf(pid)))
            .Concat(nodes)
            .ToList();
        all.Count.ShouldBeGreaterThan(nodes.Count);
        return all;
    }

    // A zombie has ended too: it only waits for whoever inherited it to ask how.
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
            Process = AppHostProcess.Start(["up", "--data", directory.Path, "--set", "Local:GatewayPort=0"]);
            Process.OutputDataReceived += (_, _) => { };
            Process.ErrorDataReceived += (_, _) => { };
            Process.BeginOutputReadLine();
            Process.BeginErrorReadLine();
        }

        public Process Process { get; }

        public void Dispose()
        {
            ProcessLauncher.Signal(Process, ProcessLauncher.SigKill);
            Process.Dispose();
        }
    }
}
