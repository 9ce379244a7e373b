using System.Globalization;

namespace DineHub.AppHost.Running;

/// <summary>What can be done to the process of a node from outside.</summary>
internal interface IProcessControl
{
    /// <summary>The property of a resource's snapshot that identifies its process.</summary>
    string IdProperty { get; }

    /// <summary>Asks it to end in good order, also where it is suspended.</summary>
    /// <param name="id">The process.</param>
    /// <param name="ct">Ends the wait for the request to be made.</param>
    Task StopAsync(string id, CancellationToken ct);

    /// <summary>Ends it at once (SIGKILL), as a power failure would.</summary>
    /// <param name="id">The process.</param>
    /// <param name="ct">Ends the wait for the request to be made.</param>
    Task KillAsync(string id, CancellationToken ct);

    /// <summary>Halts it with its children (SIGSTOP), as a machine that hangs does.</summary>
    /// <param name="id">The process.</param>
    /// <param name="ct">Ends the wait for the request to be made.</param>
    Task SuspendAsync(string id, CancellationToken ct);

    /// <summary>Lets it go on.</summary>
    /// <param name="id">The process.</param>
    /// <param name="ct">Ends the wait for the request to be made.</param>
    Task ResumeAsync(string id, CancellationToken ct);

    /// <summary>Waits until it has ended.</summary>
    /// <param name="id">The process.</param>
    /// <param name="ct">Ends the wait.</param>
    Task WaitForEndAsync(string id, CancellationToken ct);
}

/// <summary>Processes of this machine.</summary>
/// <param name="stopSignal">The signal that asks them to end.</param>
internal sealed class HostProcesses(int stopSignal) : IProcessControl
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(20);

    /// <inheritdoc/>
    public string IdProperty => "executable.pid";

    /// <inheritdoc/>
    public Task StopAsync(string id, CancellationToken ct) => Send(id, ProcessSignal.Continue, stopSignal);

    // Children that are halted would outlive it.
    /// <inheritdoc/>
    public Task KillAsync(string id, CancellationToken ct) => Send(id, ProcessSignal.Continue, ProcessSignal.Kill);

    /// <inheritdoc/>
    public Task SuspendAsync(string id, CancellationToken ct) => Send(id, ProcessSignal.Stop);

    /// <inheritdoc/>
    public Task ResumeAsync(string id, CancellationToken ct) => Send(id, ProcessSignal.Continue);

    /// <inheritdoc/>
    public async Task WaitForEndAsync(string id, CancellationToken ct)
    {
        while (ProcessSignal.IsAlive(int.Parse(id, CultureInfo.InvariantCulture)))
        {
            await Task.Delay(ProbeInterval, ct);
        }
    }

    private static Task Send(string id, int toTree, int? signal = null)
    {
        var pid = int.Parse(id, CultureInfo.InvariantCulture);
        ProcessSignal.SendToTree(pid, toTree);
        if (signal is { } last)
        {
            ProcessSignal.Send(pid, last);
        }

        return Task.CompletedTask;
    }
}
