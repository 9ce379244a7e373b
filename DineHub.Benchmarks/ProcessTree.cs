using System.Globalization;
using DineHub.AppHost.Running;

namespace DineHub.Benchmarks;

/// <summary>A program with all that it has started, the detached orchestrator of an AppHost included. Linux (proc(5)).</summary>
/// <param name="root">The program's process.</param>
internal sealed class ProcessTree(int root)
{
    private const double TicksPerSecond = 100;

    /// <summary>The processes that run now.</summary>
    public IReadOnlyList<int> Read()
    {
        var parents = Directory.GetDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0)
            .ToDictionary(pid => pid, ProcessSignal.ParentOf);
        var known = new HashSet<int> { root };
        known.UnionWith(parents.Keys.Where(IsOrchestrator));
        for (var before = 0; before != known.Count;)
        {
            before = known.Count;
            known.UnionWith(parents.Where(pair => known.Contains(pair.Value)).Select(pair => pair.Key));
        }

        return [.. known.Where(ProcessSignal.IsAlive)];
    }

    /// <summary>The processor time of these processes and of their children that have ended, in seconds.</summary>
    /// <param name="processes">The processes.</param>
    public static double ProcessorSeconds(IEnumerable<int> processes) => processes.Sum(pid =>
    {
        // utime, stime, cutime and cstime are the fields 14 to 17; the name in field 2 may have spaces.
        var status = TryRead($"/proc/{pid}/stat");
        return status.Length == 0 ? 0 : status[(status.LastIndexOf(')') + 2)..].Split(' ')[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
    });

    /// <summary>The memory of these processes in MiB, what several share counted once (PSS).</summary>
    /// <param name="processes">The processes.</param>
    public static double Mebibytes(IEnumerable<int> processes) => processes.Sum(pid =>
        TryRead($"/proc/{pid}/smaps_rollup").Split('\n').FirstOrDefault(line => line.StartsWith("Pss:", StringComparison.Ordinal)) is { } line
            ? long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0
            : 0);

    private bool IsOrchestrator(int pid) => (TryRead($"/proc/{pid}/cmdline").Replace('\0', ' ') + " ").Contains($"--monitor {root} ", StringComparison.Ordinal);

    private static string TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
