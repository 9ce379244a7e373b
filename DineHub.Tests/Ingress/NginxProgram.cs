using System.Diagnostics;
using System.Text.RegularExpressions;

namespace DineHub.Tests.Ingress;

/// <summary>The nginx that is installed.</summary>
internal static partial class NginxProgram
{
    private static readonly Lazy<Version> Installed = new(ReadVersion);

    /// <summary>Where it is; null where it is not installed. Debian puts it where only root looks.</summary>
    public static string? Path { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Append("/usr/sbin")
        .Select(directory => System.IO.Path.Combine(directory, "nginx"))
        .FirstOrDefault(File.Exists);

    public static Version Version => Installed.Value;

    /// <summary>Runs it to its end, and returns all that it printed.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await error);
    }

    private static Version ReadVersion() => Version.Parse(VersionPattern().Match(RunAsync("-v").GetAwaiter().GetResult().Output).Groups[1].Value);

    [GeneratedRegex(@"nginx/(\d+\.\d+\.\d+)")]
    private static partial Regex VersionPattern();
}
