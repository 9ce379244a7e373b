using System.ComponentModel;
using System.Diagnostics;
using DineHub.AppHost.Composition;

namespace DineHub.AppHost.Running;

/// <summary>The end of a program that has run.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it printed on both streams, line by line.</param>
internal sealed record ProgramResult(int ExitCode, string Output);

/// <summary>Runs programs that end by themselves.</summary>
internal static class Subprocess
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program to its end. After ten minutes, or on cancellation, it is killed with its children.</summary>
    /// <param name="command">The program.</param>
    /// <param name="ct">Kills it.</param>
    /// <param name="onLine">Gets each line of its output, from any thread.</param>
    /// <exception cref="InvalidOperationException">It could not be started, or did not end in time.</exception>
    public static async Task<ProgramResult> RunAsync(CommandLine command, CancellationToken ct, Action<string>? onLine = null)
    {
        var start = new ProcessStartInfo(command.FileName, command.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = command.WorkingDirectory,
        };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }

        var lines = new List<string>();
        void Take(object sender, DataReceivedEventArgs line)
        {
            if (line.Data is not { Length: > 0 } text)
            {
                return;
            }

            lock (lines)
            {
                lines.Add(text);
            }

            onLine?.Invoke(text);
        }

        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"'{command.FileName}' could not be started: {e.Message}", e);
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            throw new InvalidOperationException($"'{command.FileName}' did not end within {Deadline.TotalMinutes} minutes.");
        }

        lock (lines)
        {
            return new ProgramResult(process.ExitCode, string.Join(Environment.NewLine, lines));
        }
    }
}
