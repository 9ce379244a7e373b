using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Running;

/// <summary>Containers of this machine. Each command to the engine has a deadline of 30 s; its failures are <see cref="InvalidOperationException"/>s.</summary>
/// <param name="runtime">The program that runs them.</param>
internal sealed class ContainerControl(ContainerRuntime runtime) : IProcessControl
{
    private const string Running = "running";
    private const string Paused = "paused";

    /// <inheritdoc/>
    public string IdProperty => "container.id";

    // Not 'stop', which waits and then kills: the supervisor does both. SIGINT is the image's own stop signal.
    /// <inheritdoc/>
    public Task StopAsync(string id, CancellationToken ct) => SignalAsync(id, "SIGINT", ct);

    /// <inheritdoc/>
    public Task KillAsync(string id, CancellationToken ct) => SignalAsync(id, "SIGKILL", ct);

    /// <inheritdoc/>
    public Task SuspendAsync(string id, CancellationToken ct) => runtime.RunAsync(ct, "pause", id);

    /// <inheritdoc/>
    public async Task ResumeAsync(string id, CancellationToken ct)
    {
        if (await runtime.StateAsync(id, ct) == Paused)
        {
            await runtime.RunAsync(ct, "unpause", id);
        }
    }

    /// <inheritdoc/>
    public Task WaitForEndAsync(string id, CancellationToken ct) => UnlessEndedAsync(id, ct, "wait", id);

    private async Task SignalAsync(string id, string signal, CancellationToken ct)
    {
        // A paused container takes no signal.
        await ResumeAsync(id, ct);
        await UnlessEndedAsync(id, ct, "kill", "--signal", signal, id);
    }

    // A container that has ended meanwhile, or is already removed, makes the command fail.
    private async Task UnlessEndedAsync(string id, CancellationToken ct, params string[] command)
    {
        try
        {
            await runtime.RunAsync(ct, command);
        }
        catch (InvalidOperationException)
        {
            if (await runtime.StateAsync(id, ct) is Running or Paused)
            {
                throw;
            }
        }
    }
}
