using System.ComponentModel;
using System.Diagnostics;

namespace DineHub.AppHost.Aspire;

/// <summary>Programs that come to an end by themselves. They get this process's environment: Docker and Podman are configured by theirs.</summary>
internal static class Subprocess
{
    /// <summary>Runs one to its end.</summary>
    /// <exception cref="InvalidOperationException">It could not be started, or failed; the message is its own.</exception>
    public static async Task RunAsync(string program, IEnumerable<string> arguments, CancellationToken ct)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"{await output}{await error}".Trim());
            }
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }
}
