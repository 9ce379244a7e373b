using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Running;
using Microsoft.Extensions.Hosting;

namespace DineHub.AppHost.Composition;

/// <summary>Waits until the whole cluster is ready, and ends the application where it does not get there.</summary>
/// <param name="nodes">The nodes.</param>
/// <param name="programs">The programs that must succeed.</param>
/// <param name="supervisor">Follows the nodes.</param>
/// <param name="notifications">Aspire's news of resources.</param>
/// <param name="lifetime">Ends the application.</param>
internal sealed class ClusterStart(
    ClusterNodes nodes, ProgramLogs programs, NodeSupervisor supervisor, ResourceNotificationService notifications, IHostApplicationLifetime lifetime) : LifecycleService
{
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when everything is ready; faulted by a <see cref="NodeFailedException"/> where something is not.</summary>
    public Task Ready => ready.Task;

    /// <inheritdoc/>
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = WaitAsync();
        return Task.CompletedTask;
    }

    private async Task WaitAsync()
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        try
        {
            // The first failure is the cause of the others.
            var parts = nodes.All.Where(node => !node.IsSpare).Select(node => WaitAsync(node, failed.Token))
                .Concat(programs.All.Select(program => WaitAsync(program.Key, program.Value, failed.Token)))
                .ToList();
            while (parts.Count > 0)
            {
                var done = await Task.WhenAny(parts);
                parts.Remove(done);
                await done;
            }

            ready.SetResult();
        }
        catch (OperationCanceledException)
        {
            ready.TrySetCanceled();
        }
        catch (Exception e)
        {
            await failed.CancelAsync();
            ready.SetException(e);
            lifetime.StopApplication();
        }
    }

    // Its minute begins with its process: before that it waits for others.
    private async Task WaitAsync(ClusterNode node, CancellationToken ct)
    {
        await supervisor.WaitAsync(() => node.RunId is not null || node.State is NodeState.Crashed or NodeState.Ready, ct);
        await supervisor.WaitUntilReadyAsync(node, ct);
    }

    private async Task WaitAsync(string name, OneTimeProgram program, CancellationToken ct)
    {
        var ended = await notifications.WaitForResourceAsync(
            name, news => news.Snapshot.ExitCode is not null && KnownResourceStates.TerminalStates.Contains(news.Snapshot.State?.Text), ct);
        if (ended.Snapshot.ExitCode is not 0)
        {
            throw new NodeFailedException(
                name, $"{program.Title} failed with exit code {ended.Snapshot.ExitCode}.", program.Log.Last, program.Log.Path);
        }
    }
}
