using System.Diagnostics;
using System.Globalization;

namespace DineHub.Tests;

/// <summary>Programs that come to an end by themselves.</summary>
internal static class Programs
{
    /// <summary>Runs one to its end, and returns all that it printed. One that does not end is killed, with all that it has started.</summary>
    /// <param name="start">What to run, and how.</param>
    /// <param name="input">What it reads; never what the tests' own process would.</param>
    /// <param name="deadline">How long it may take; <see cref="Deadline.Long"/> where nothing is given.</param>
    /// <exception cref="TimeoutException">It did not end, or something that it has left behind holds its output open.</exception>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start, string input = "", TimeSpan? deadline = null)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await FeedAsync(process, input).OrFailAsync($"'{start.FileName}' reads what it is given", Deadline.Long);
            await Task.WhenAll(output, errors, process.WaitForExitAsync()).OrFailAsync($"'{start.FileName} {string.Join(' ', start.ArgumentList)}' ends", deadline ?? Deadline.Long);
            return (process.ExitCode, await output, await errors);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Waits until a process that was killed has gone.</summary>
    public static async Task HasEndedAsync(Process process)
    {
        var id = process.Id;
        await process.WaitForExitAsync().OrFailAsync(string.Create(CultureInfo.InvariantCulture, $"process {id} has ended and no other process holds its output open"));
    }

    private static async Task FeedAsync(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has read what it wanted.
        }
    }
}
