using System.ComponentModel;
using System.Diagnostics;

namespace DineHub.AppHost.Prerequisites;

/// <summary>The end of a program that was asked for something.</summary>
/// <param name="ExitCode">Its exit code; null where it was killed because it did not end within its deadline.</param>
/// <param name="Output">Its standard output, trimmed.</param>
/// <param name="Error">Its standard error, trimmed; the system's message where it could not be started.</param>
internal sealed record Probe(int? ExitCode, string Output, string Error)
{
    private const int NotStarted = 127;

    /// <summary>Whether it ended with 0.</summary>
    public bool Succeeded => ExitCode == 0;

    /// <summary>Runs a program. If it does not end within the deadline, it is killed with its children.</summary>
    /// <param name="command">The program.</param>
    /// <param name="deadline">The longest time that it may take.</param>
    /// <param name="ct">Kills it.</param>
    public static async Task<Probe> RunAsync(ProcessStartInfo command, TimeSpan deadline, CancellationToken ct)
    {
        (command.RedirectStandardInput, command.RedirectStandardOutput, command.RedirectStandardError) = (true, true, true);
        Process process;
        try
        {
            process = Process.Start(command)!;
        }
        catch (Win32Exception e)
        {
            return new Probe(NotStarted, "", e.Message);
        }

        using (process)
        {
            process.StandardInput.Close();
            using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
            end.CancelAfter(deadline);
            var output = process.StandardOutput.ReadToEndAsync(end.Token);
            var error = process.StandardError.ReadToEndAsync(end.Token);
            try
            {
                await process.WaitForExitAsync(end.Token).ConfigureAwait(false);
                return new Probe(process.ExitCode, (await output.ConfigureAwait(false)).Trim(), (await error.ConfigureAwait(false)).Trim());
            }
            catch (OperationCanceledException)
            {
                // A program that has ended may have left a child that holds its output open: then the exit code is all there is.
                int? exitCode = process.HasExited ? process.ExitCode : null;
                Kill(process);
                ct.ThrowIfCancellationRequested();
                return new Probe(exitCode, "", "");
            }
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended meanwhile, or belongs to another user.
        }
    }
}
