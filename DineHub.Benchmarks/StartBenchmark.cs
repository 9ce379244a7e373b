using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Running;
using Spectre.Console;

namespace DineHub.Benchmarks;

/// <summary>
/// What a whole cluster costs on this machine: the AppHost of this build against that of another commit, in turn. Each is started with empty databases
/// and again with the data that it has kept.
/// </summary>
internal static class StartBenchmark
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    // Replication is in sync and the first probes are over by then.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private sealed record Measurement(double Fresh, double Kept, double ProcessorSeconds, double IdlePercent, double Mebibytes, int Processes, double Stop);

    /// <summary>Builds the other commit beside this one, and measures.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="rounds">How many times each is started with empty databases.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task RunAsync(string commit, int rounds, CancellationToken ct)
    {
        var root = BuildMetadata.Get("DineHub.Root");
        var folder = Path.Combine(Directory.Exists("/var/tmp") ? "/var/tmp" : Path.GetTempPath(), $"dinehub-benchmark-{Environment.ProcessId}");
        var former = Path.Combine(folder, "former");
        Directory.CreateDirectory(folder);
        try
        {
            await RunToEndAsync("git", ["-C", root, "worktree", "add", "--detach", former, commit], root, ct);
            await RunToEndAsync("dotnet", ["build", "--configuration", "Release", "DineHub.AppHost"], former, ct);
            var cases = new[] { ("former", AssemblyIn(former)), ("this", typeof(ClusterLayout).Assembly.Location) };
            var measured = cases.ToDictionary(one => one.Item1, _ => new List<Measurement>());
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (name, assembly) in cases)
                {
                    measured[name].Add(await MeasureAsync(assembly, Path.Combine(folder, "data"), ct));
                    Console.WriteLine($"round {round + 1}, {name}: {measured[name][^1]}");
                }
            }

            Write(measured);
        }
        finally
        {
            await RunToEndAsync("git", ["-C", root, "worktree", "remove", "--force", former], root, CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string AssemblyIn(string checkout) => Path.Combine(checkout, "DineHub.AppHost", "bin", "Release", "net10.0", "DineHub.AppHost.dll");

    private static async Task<Measurement> MeasureAsync(string assembly, string data, CancellationToken ct)
    {
        try
        {
            var fresh = await StartAsync(assembly, data, ct);
            await StopAsync(fresh.AppHost, fresh.Tree, ct);
            var kept = await StartAsync(assembly, data, ct);
            var processorSeconds = ProcessTree.ProcessorSeconds(kept.Tree.Read());
            await Task.Delay(Rest, ct);
            var before = ProcessTree.ProcessorSeconds(kept.Tree.Read());
            var clock = Stopwatch.StartNew();
            await Task.Delay(Rest, ct);
            var processes = kept.Tree.Read();
            var idle = (ProcessTree.ProcessorSeconds(processes) - before) / clock.Elapsed.TotalSeconds * 100;
            var mebibytes = ProcessTree.Mebibytes(processes);
            var stop = await StopAsync(kept.AppHost, kept.Tree, ct);
            return new Measurement(fresh.Seconds, kept.Seconds, processorSeconds, idle, mebibytes, processes.Count, stop);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<(Process AppHost, ProcessTree Tree, double Seconds)> StartAsync(string assembly, string data, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var appHost = Process.Start(new ProcessStartInfo(
            BuiltProgram.Muxer, ["exec", assembly, "--data", data, "--set", "Local:GatewayPort=0", "--set", "Local:GatewayTlsPort=0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        appHost.OutputDataReceived += (_, _) => { };
        appHost.ErrorDataReceived += (_, _) => { };
        appHost.BeginOutputReadLine();
        appHost.BeginErrorReadLine();
        while (!File.Exists(Path.Combine(data, "cluster.json")))
        {
            if (appHost.HasExited || clock.Elapsed > Deadline)
            {
                throw new InvalidOperationException($"'{assembly}' did not start a cluster.");
            }

            await Task.Delay(20, ct);
        }

        return (appHost, new ProcessTree(appHost.Id), clock.Elapsed.TotalSeconds);
    }

    private static async Task<double> StopAsync(Process appHost, ProcessTree tree, CancellationToken ct)
    {
        using (appHost)
        {
            var processes = tree.Read();
            var clock = Stopwatch.StartNew();
            ProcessSignal.Send(appHost.Id, ProcessSignal.Terminate);
            while (processes.Any(ProcessSignal.IsAlive))
            {
                await Task.Delay(20, ct);
            }

            return clock.Elapsed.TotalSeconds;
        }
    }

    private static async Task RunToEndAsync(string program, string[] arguments, string folder, CancellationToken ct)
    {
        var result = await Subprocess.RunAsync(new CommandLine(program, arguments, folder, new Dictionary<string, string>()), ct);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' failed: {result.Output}");
        }
    }

    private static void Write(Dictionary<string, List<Measurement>> measured)
    {
        (string Name, Func<Measurement, double> Value)[] rows =
        [
            ("start with empty databases, s", one => one.Fresh),
            ("start with kept data, s", one => one.Kept),
            ("processor time until ready, s", one => one.ProcessorSeconds),
            ("processor at rest, % of a core", one => one.IdlePercent),
            ("memory at rest (PSS), MiB", one => one.Mebibytes),
            ("processes", one => one.Processes),
            ("stop, s", one => one.Stop),
        ];
        var table = new Table().AddColumns("Median", "former", "this", "ratio");
        foreach (var (name, value) in rows)
        {
            var (former, current) = (Median(measured["former"].Select(value)), Median(measured["this"].Select(value)));
            table.AddRow(name, Text(former), Text(current), (current / former).ToString("0.00", CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine($"{measured["this"].Count} rounds, {Environment.ProcessorCount} cores, Release builds");
    }

    private static string Text(double number) => number.ToString(number < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> numbers) => numbers.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;
}
