using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Composition;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

namespace DineHub.AppHost.Running;

/// <summary>
/// The console of a run: progress, a table of the nodes when all are ready, then only warnings. What nodes print while the cluster starts is shown where
/// the start fails: until then they miss each other, which is no news.
/// </summary>
internal sealed class ClusterConsole : LifecycleService
{
    private readonly ClusterLayout layout;
    private readonly ClusterNodes nodes;
    private readonly ClusterStart start;
    private readonly RunOptions options;
    private readonly IConfiguration configuration;
    private readonly IAnsiConsole console;
    private readonly ConcurrentQueue<string> held = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Lock gate = new();
    private bool isUp;

    /// <summary>Follows a run.</summary>
    public ClusterConsole(
        ClusterLayout layout,
        ClusterNodes nodes,
        NodeSupervisor supervisor,
        ClusterStart start,
        ResourceLogs logs,
        RunOptions options,
        IConfiguration configuration,
        IAnsiConsole console)
    {
        (this.layout, this.nodes, this.start, this.options, this.configuration, this.console) = (layout, nodes, start, options, configuration, console);
        supervisor.StateChanged += ShowState;
        logs.LineWritten += ShowLine;
    }

    /// <inheritdoc/>
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        Print($"Starting {nodes.All.Count(node => !node.IsSpare)} nodes of {Markup.Escape(layout.Topology.Name)}; data and logs in {Markup.Escape(layout.Directory.Root)}");
        if (layout.Kind.Notice is { } notice)
        {
            Print(Markup.Escape(notice));
        }

        _ = FollowStartAsync();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        isUp = false;
        if (!start.Ready.IsFaulted)
        {
            Print("Stopping; once more to stop at once.");
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StoppedAsync(CancellationToken cancellationToken)
    {
        Print("Stopped.");
        return Task.CompletedTask;
    }

    private async Task FollowStartAsync()
    {
        await start.Ready.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (start.Ready.IsCompletedSuccessfully)
        {
            isUp = true;
            ShowReady();
        }
        else if (start.Ready.IsFaulted)
        {
            foreach (var line in held)
            {
                Echo(line);
            }
        }
    }

    private void ShowLine(string name, string line)
    {
        if (!options.Verbose && !NodeLog.IsNoteworthy(line))
        {
            return;
        }

        var text = $"[{name}] {line}";
        if (options.Verbose || isUp)
        {
            Echo(text);
        }
        else
        {
            held.Enqueue(text);
        }
    }

    private void ShowState(ClusterNode node)
    {
        switch (node.State)
        {
            case NodeState.Ready:
                Print(string.Create(CultureInfo.InvariantCulture, $"[green]ready[/]    {node.Name,-22} {clock.Elapsed.TotalSeconds,5:0.0} s"));
                break;
            case NodeState.Crashed when node.HasRun:
                Print($"[red]crashed[/]  {node.Name}: it is started again; log {Markup.Escape(node.Log.Path)}");
                break;
            case NodeState.Stopped when isUp:
                Print($"stopped  {node.Name}");
                break;
            default:
                break;
        }
    }

    private void ShowReady()
    {
        var table = new Table().AddColumns("Node", "Role", "Region", "Process", "Address", "Log");
        foreach (var node in layout.Topology.Nodes)
        {
            var local = nodes.All.FirstOrDefault(candidate => candidate.Name == node.Name);
            table.AddRow(
                node.Name,
                node.Role.ToString(),
                node.Region,
                local?.RunId is { } id ? id[..Math.Min(id.Length, 12)] : "-",
                local?.Address ?? "not run locally",
                local is null ? "" : Path.GetFileName(local.Log.Path));
        }

        var gateway = layout.Gateways[0].Ports.Https;
        lock (gate)
        {
            console.Write(table);
            console.MarkupLine($"[green]Ready[/] after {clock.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s. Logs are in {Markup.Escape(Path.Combine(layout.Directory.Root, "logs"))}");
            if (DashboardAddress.SignInLink(configuration) is { } dashboard)
            {
                console.MarkupLine($"  dashboard: {Markup.Escape(dashboard)}");
            }

            foreach (var one in layout.Gateways)
            {
                console.MarkupLine($"  {one.Node.Region}: https://localhost:{one.Ports.Https}/ ({ClusterLayout.Url(one.Ports.Http)} redirects there)");
            }

            console.MarkupLine($"  try: export CURL_CA_BUNDLE={Markup.Escape(layout.Certificate.CertificateFile)}; curl https://localhost:{gateway}/api/v1/restaurants");
            console.MarkupLine("  browsers trust the certificate after 'dotnet dev-certs https --trust' (or: --trust)");
            console.MarkupLine($"  the operators' key is in {Markup.Escape(layout.Directory.OperatorKeyFile)}");
            console.MarkupLine($"  for 'DineHub.Api db status': set -a; . {Markup.Escape(layout.Directory.DatabaseEnvironmentFile)}; set +a");
            console.MarkupLine("Ctrl+C stops the cluster; its data stays for the next run.");
        }
    }

    // As it is, not folded to the console's width: people search for it, and copy it.
    private void Echo(string line)
    {
        lock (gate)
        {
            console.Profile.Out.Writer.WriteLine(line);
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
