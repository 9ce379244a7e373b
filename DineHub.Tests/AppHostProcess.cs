using System.Diagnostics;
using System.Runtime.InteropServices;
using DineHub.AppHost.Publishing;

namespace DineHub.Tests;

/// <summary>The AppHost as a user starts it: a process of its own.</summary>
internal static class AppHostProcess
{
    private static readonly string Assembly = typeof(Publisher).Assembly.Location;
    private static readonly string Muxer = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    public static Process Start(IEnumerable<string> arguments) => Process.Start(Command(arguments))!;

    /// <summary>Runs it to its end, and returns all that it printed.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(Command(arguments, environment));
        return (exitCode, output + errors);
    }

    private static ProcessStartInfo Command(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        // A shell's background jobs ignore SIGINT, and so does what they start, unless told otherwise (GNU env).
        string[] command = [.. OperatingSystem.IsLinux() ? ["env", "--default-signal=INT,QUIT"] : Array.Empty<string>(), Muxer, "exec", Assembly, .. arguments];
        var info = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value;
        }

        return info;
    }
}
