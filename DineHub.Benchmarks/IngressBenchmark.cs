using System.Globalization;
using Spectre.Console;

namespace DineHub.Benchmarks;

/// <summary>What the two kinds of ingress do side by side, and what they add to no ingress at all. All of it by TLS, with the same load tool.</summary>
internal static class IngressBenchmark
{
    private const string Direct = "direct";
    private const string Nginx = "nginx";
    private const string Gateway = "gateway";

    // Some 1000 requests a second.
    private static readonly WrkLoad Moderate = new(Connections: 8, PauseMilliseconds: 8);

    private sealed record Case(string Target, Server Server, string What, string Path, WrkLoad Load)
    {
        private readonly List<(WrkResult Seen, double Microseconds)> results = [];

        public double PerSecond => Median(result => result.Seen.PerSecond);

        public double P50 => Median(result => result.Seen.Median);

        public double P99 => Median(result => result.Seen.P99);

        /// <summary>The server's processor time for each request: what neighbours on a machine disturb least.</summary>
        public double Microseconds => Median(result => result.Microseconds);

        public async Task RunAsync(Wrk wrk, int seconds, bool counts, CancellationToken ct)
        {
            var before = Server.ProcessorTime;
            var seen = await wrk.RunAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{Server.Port}{Path}")), Load, seconds, ct);
            if (counts)
            {
                results.Add((seen, (Server.ProcessorTime - before).TotalMicroseconds / seen.Requests));
            }
        }

        private double Median(Func<(WrkResult Seen, double Microseconds), double> figure) => results.Select(figure).Order().ElementAt(results.Count / 2);
    }

    public static async Task RunAsync(int seconds, int rounds, int connections, IReadOnlyList<string> variants, CancellationToken ct)
    {
        var folder = Path.Combine(Directory.Exists("/var/tmp") ? "/var/tmp" : Path.GetTempPath(), $"dinehub-benchmark-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            var wrk = new Wrk(folder);
            await using var servers = await IngressServers.StartAsync(folder, ct);
            var targets = new List<(string Name, Server Server)> { (Direct, servers.Direct), (Nginx, servers.Nginx), (Gateway, await servers.StartGatewayAsync(new Dictionary<string, string>(), ct)) };
            foreach (var variant in variants)
            {
                targets.Add((variant, await servers.StartGatewayAsync(Variables(variant), ct)));
            }

            var cases = new List<Case>();
            foreach (var load in new[] { new WrkLoad(connections, PauseMilliseconds: 0), Moderate })
            {
                foreach (var (what, path) in new[] { ("300 B", FixedBackend.SmallPath), ("100 kB", FixedBackend.MenuPath) })
                {
                    cases.AddRange(targets.Select(target => new Case(target.Name, target.Server, what, path, load)));
                }
            }

            // Round 0 warms up and does not count.
            for (var round = 0; round <= rounds; round++)
            {
                foreach (var one in cases)
                {
                    await one.RunAsync(wrk, seconds, counts: round > 0, ct);
                }
            }

            Print(cases);
            AnsiConsole.MarkupLineInterpolated(
                $"medians of {rounds} rounds of {seconds} s, {Environment.ProcessorCount} cores that wrk, the ingress and the backend share; {connections} connections that send the next request at once, {Moderate.Connections} that pause for {Moderate.PauseMilliseconds} ms");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(IReadOnlyList<Case> cases)
    {
        var saturated = new Table().AddColumns("As much as possible", "", "per second", "ratio to nginx", "p99 ms", "CPU µs each");
        foreach (var one in cases.Where(one => one.Load.PauseMilliseconds == 0))
        {
            saturated.AddRow(Text(one.What), Text(one.Target), Number(one.PerSecond, "0"), Number(one.PerSecond / Other(cases, one, Nginx).PerSecond, "0.00"), Number(one.P99, "0.00"), Number(one.Microseconds, "0"));
        }

        AnsiConsole.Write(saturated);
        var moderate = new Table().AddColumns("Moderate load", "", "per second", "median ms", "p99 ms", "added to p99 ms", "CPU µs each");
        foreach (var one in cases.Where(one => one.Load.PauseMilliseconds > 0))
        {
            moderate.AddRow(
                Text(one.What), Text(one.Target), Number(one.PerSecond, "0"), Number(one.P50, "0.00"), Number(one.P99, "0.00"), Number(one.P99 - Other(cases, one, Direct).P99, "0.00"), Number(one.Microseconds, "0"));
        }

        AnsiConsole.Write(moderate);
    }

    private static Case Other(IEnumerable<Case> cases, Case one, string target) =>
        cases.Single(other => other.Target == target && other.What == one.What && other.Load == one.Load);

    // NAME=VALUE,NAME=VALUE
    private static Dictionary<string, string> Variables(string variant) =>
        variant.Split(',').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair.Length == 2 ? pair[1] : "");

    private static Markup Text(string text) => new(Markup.Escape(text));

    private static Markup Number(double number, string format) => new(number.ToString(format, CultureInfo.InvariantCulture));
}
