using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using DineHub.AppHost.Local;
using Spectre.Console;

namespace DineHub.AppHost.Commands;

/// <summary><c>up</c>: runs the cluster on this machine until it is told to stop.</summary>
internal sealed class UpCommand
{
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly Option<bool> fresh = new("--fresh") { Description = "Start over: remove the data of earlier runs." };
    private readonly Option<string?> data = new("--data") { Description = "The folder to keep data and logs in.", HelpName = "DIR" };
    private readonly Option<string?> restoreTo = new("--restore-to") { Description = "First restore the databases: a time such as 2026-11-21T10:15:00Z, a restore point's name, or 'latest'.", HelpName = "TARGET" };
    private readonly Option<bool> trust = new("--trust") { Description = "Have the gateways' certificate trusted ('dotnet dev-certs https --trust')." };
    private readonly Option<bool> verbose = new("--verbose") { Description = "Show everything that the nodes print, not only warnings and errors." };
    private readonly CommonOptions common;
    private readonly IAnsiConsole console = TopologyCommand.WideConsole();
    private readonly Lock gate = new();

    private UpCommand(CommonOptions common) => this.common = common;

    /// <summary>Adds the verb, and makes it what happens without one.</summary>
    public static void AddTo(RootCommand root, CommonOptions common)
    {
        var up = new UpCommand(common);
        foreach (var command in new[] { new Command("up", "Run the cluster on this machine (the default)."), root })
        {
            command.Options.Add(up.fresh);
            command.Options.Add(up.data);
            command.Options.Add(up.restoreTo);
            command.Options.Add(up.trust);
            command.Options.Add(up.verbose);
            command.SetAction((result, _) => up.RunAsync(result));
            if (command != root)
            {
                root.Subcommands.Add(command);
            }
        }
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        var topology = common.LoadTopology(result);
        var everything = result.GetValue(verbose);
        var clock = Stopwatch.StartNew();

        // While the cluster starts or stops as a whole, that nodes stop, or miss each other and say so, is news only where the start fails.
        var isUp = false;
        var held = new ConcurrentQueue<string>();
        await using var cluster = new LocalCluster(topology, new LocalClusterOptions
        {
            DataDirectory = result.GetValue(data),
            Fresh = result.GetValue(fresh),
            RestoreTo = result.GetValue(restoreTo),
            TrustCertificate = result.GetValue(trust),
            OnStateChanged = node => ShowState(node, clock, isUp),
            OnOutput = (node, line) =>
            {
                if (!everything && !NodeLog.IsNoteworthy(line))
                {
                    return;
                }

                var text = $"[{node}] {line}";
                if (everything || isUp)
                {
                    Echo(text);
                }
                else
                {
                    held.Enqueue(text);
                }
            },
        });

        using var stop = new CancellationTokenSource();
        var asked = 0L;
        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            if (stop.IsCancellationRequested)
            {
                // 'dotnet run' passes on a signal that its whole process group gets anyway: that is once, not twice.
                if (Stopwatch.GetElapsedTime(asked) < SameSignal)
                {
                    return;
                }

                Print("Stopping at once.");
                _ = cluster.KillAsync();
                return;
            }

            asked = Stopwatch.GetTimestamp();
            Print("Stopping; once more to stop at once.");
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        if (!ProcessLauncher.ChildrenDieWithParent)
        {
            Print("[yellow]warn:[/] without 'setpriv' and 'setsid' (util-linux) processes are left behind if this one is killed with -9");
        }

        Print($"Starting {cluster.Nodes.Count} nodes of {Markup.Escape(topology.Name)}; data and logs in {Markup.Escape(cluster.DataDirectory)}");
        try
        {
            await cluster.StartAsync(stop.Token);
            isUp = true;
            ShowReady(cluster, clock.Elapsed);
            await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            isUp = false;
        }
        catch
        {
            foreach (var line in held)
            {
                Echo(line);
            }

            throw;
        }

        await cluster.StopAsync();
        Print("Stopped.");
        return 0;
    }

    private void ShowState(LocalNode node, Stopwatch clock, bool isUp)
    {
        switch (node.State)
        {
            case NodeState.Ready:
                Print($"[green]ready[/]    {node.Name,-22} {clock.Elapsed.TotalSeconds,5:0.0} s");
                break;
            case NodeState.Crashed:
                Print($"[red]crashed[/]  {node.Name}: it is started again; log {Markup.Escape(node.LogFile)}");
                break;
            case NodeState.Stopped when isUp:
                Print($"stopped  {node.Name}");
                break;
            default:
                break;
        }
    }

    private void ShowReady(LocalCluster cluster, TimeSpan elapsed)
    {
        var table = new Table().AddColumns("Node", "Role", "Region", "Process", "Address", "Log");
        foreach (var node in cluster.Topology.Nodes)
        {
            var local = cluster.Nodes.FirstOrDefault(candidate => candidate.Name == node.Name);
            table.AddRow(
                node.Name,
                node.Role.ToString(),
                node.Region,
                local?.ProcessId?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-",
                local?.Address ?? "not run locally",
                local is null ? "" : Path.GetFileName(local.LogFile));
        }

        var gateway = cluster.Gateways[0].Address;
        lock (gate)
        {
            console.Write(table);
            console.MarkupLine($"[green]Ready[/] after {elapsed.TotalSeconds:0.0} s. Logs are in {Markup.Escape(Path.Combine(cluster.DataDirectory, "logs"))}");
            foreach (var one in cluster.Gateways)
            {
                console.MarkupLine($"  {one.Node.Region}: {one.Address}/ ({one.HttpUrl} redirects there)");
            }

            console.MarkupLine($"  try: export CURL_CA_BUNDLE={Markup.Escape(cluster.CertificateFile)}; curl {gateway}/api/v1/restaurants");
            console.MarkupLine("  browsers trust the certificate after 'dotnet dev-certs https --trust' (or: --trust)");
            console.MarkupLine($"  the operators' key is in {Markup.Escape(cluster.OperatorKeyFile)}");
            console.MarkupLine($"  for 'DineHub.Api db status': set -a; . {Markup.Escape(cluster.DatabaseEnvironmentFile)}; set +a");
            console.MarkupLine("Ctrl+C stops the cluster; its data stays for the next run.");
        }
    }

    // As it is, not folded to the console's width: people search for it, and copy it.
    private void Echo(string line)
    {
        lock (gate)
        {
            Console.WriteLine(line);
        }
    }

    private void Print(string markup)
    {
        lock (gate)
        {
            console.MarkupLine(markup);
        }
    }
}
