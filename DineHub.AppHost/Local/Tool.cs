namespace DineHub.AppHost.Local;

/// <summary>Runs programs that come to an end by themselves.</summary>
internal static class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program and waits for its end.</summary>
    /// <exception cref="NodeFailedException">It ended with another code than 0, or not within ten minutes.</exception>
    public static async Task RunAsync(string node, string what, ProcessSpec spec, NodeLog log, CancellationToken ct)
    {
        using var process = await ProcessLauncher.StartAsync(spec);
        log.Follow(process);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            ProcessLauncher.Signal(process, ProcessLauncher.SigKill);
            await ProcessLauncher.LastWordsAsync(process);
            ct.ThrowIfCancellationRequested();
            throw new NodeFailedException(node, $"{what} did not end within {Deadline.TotalSeconds} s.", log.Last, log.Path);
        }

        if (process.ExitCode != 0)
        {
            throw new NodeFailedException(node, $"{what} failed with exit code {process.ExitCode}.", log.Last, log.Path);
        }
    }
}
