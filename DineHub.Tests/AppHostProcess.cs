using System.Diagnostics;
using System.Runtime.InteropServices;
using DineHub.AppHost.Topology;

namespace DineHub.Tests;

/// <summary>The AppHost as a user starts it: a process of its own.</summary>
internal static class AppHostProcess
{
    private static readonly string Assembly = typeof(ClusterTopology).Assembly.Location;
    private static readonly string Muxer = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    public static Process Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var info = new ProcessStartInfo(Muxer, ["exec", Assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        return Process.Start(info)!;
    }

    /// <summary>Runs it to its end, and returns all that it printed.</summary>
    public static (int ExitCode, string Output) Run(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using var process = Start(arguments, environment);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }
}
