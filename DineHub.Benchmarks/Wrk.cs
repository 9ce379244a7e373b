using System.Diagnostics;
using System.Globalization;

namespace DineHub.Benchmarks;

/// <summary>What one run of wrk has measured.</summary>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="PerSecond">Answers in a second.</param>
/// <param name="Median">The median of the latencies, in ms.</param>
/// <param name="P99">What 99 of 100 latencies were below, in ms.</param>
internal sealed record WrkResult(double Requests, double PerSecond, double Median, double P99);

/// <summary>How requests come.</summary>
/// <param name="Connections">Kept connections, each with one request at a time.</param>
/// <param name="PauseMilliseconds">The mean pause between an answer and the next request of its connection; 0 sends the next at once.</param>
internal sealed record WrkLoad(int Connections, int PauseMilliseconds);

/// <summary>The load tool (https://github.com/wg/wrk), with a script that reports in figures and pauses where it should.</summary>
/// <param name="directory">Where its scripts go.</param>
internal sealed class Wrk(string directory)
{
    private const string Marker = "RESULT";
    private readonly string program = Programs.Find("wrk", "wrk");

    /// <summary>Sends GET requests of one address.</summary>
    /// <exception cref="InvalidOperationException">There was no answer, or not every one was a success.</exception>
    public async Task<WrkResult> RunAsync(Uri url, WrkLoad load, int seconds, CancellationToken ct)
    {
        var script = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"pause-{load.PauseMilliseconds}.lua"));
        await File.WriteAllTextAsync(script, Script(load.PauseMilliseconds), ct);
        var threads = Math.Min(load.Connections, Math.Max(1, Environment.ProcessorCount / 2));
        using var process = Process.Start(new ProcessStartInfo(
            program,
            [
                string.Create(CultureInfo.InvariantCulture, $"-t{threads}"),
                string.Create(CultureInfo.InvariantCulture, $"-c{load.Connections}"),
                string.Create(CultureInfo.InvariantCulture, $"-d{seconds}s"),

                // What is slow is no error, it is in the percentiles.
                "--timeout",
                "10s",
                "-s",
                script,
                url.AbsoluteUri,
            ])
        { RedirectStandardOutput = true })!;
        await using var end = ct.Register(process.Kill);
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        var figures = output.Split('\n').FirstOrDefault(line => line.StartsWith(Marker, StringComparison.Ordinal))?.Split(' ')[1..]
            .Select(figure => double.Parse(figure, CultureInfo.InvariantCulture)).ToArray();
        return figures is [var requests and > 0, var microseconds, var median, var p99, 0]
            ? new WrkResult(requests, requests / microseconds * 1_000_000, median / 1000, p99 / 1000)
            : throw new InvalidOperationException($"wrk {url} saw no answers, or errors:{Environment.NewLine}{output}");
    }

    private static string Script(int pause) => string.Create(CultureInfo.InvariantCulture, $$"""
        {{(pause == 0 ? "" : $"function delay() return math.random({pause / 2}, {pause + (pause / 2)}) end")}}
        function done(summary, latency)
          local e = summary.errors
          io.write(string.format("{{Marker}} %d %d %.1f %.1f %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
            e.connect + e.read + e.write + e.status + e.timeout))
        end
        """);
}
