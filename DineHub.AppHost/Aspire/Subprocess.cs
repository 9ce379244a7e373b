using System.ComponentModel;
using System.Diagnostics;

namespace DineHub.AppHost.Aspire;

/// <summary>Programs that come to an end by themselves. They get this process's environment: Docker and Podman are configured by theirs.</summary>
internal static class Subprocess
{
    /// <summary>Runs one to its end.</summary>
    /// <exception cref="InvalidOperationException">It could not be started, or failed; the message is its own.</exception>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments. Nothing secret: other users see them.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <returns>Its standard output.</returns>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken ct, IReadOnlyDictionary<string, string>? environment = null)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            {
                start.Environment[name] = value;
            }

            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"{await output}{await error}".Trim());
            }

            return await output;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }
}
