using Microsoft.Extensions.Hosting;

namespace DineHub.AppHost.Running;

/// <summary>A hosted service that takes part in some moments of its host's life: each that it does not override passes.</summary>
internal abstract class LifecycleService : IHostedLifecycleService
{
    /// <inheritdoc/>
    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A hosted service that follows what Aspire reports, from before the first resource starts until the host has stopped.</summary>
internal abstract class FollowingService : LifecycleService, IDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly Lock gate = new();
    private Task following = Task.CompletedTask;
    private Task? end;

    /// <summary>Is cancelled when the host has stopped.</summary>
    protected CancellationToken Ending => ending.Token;

    /// <inheritdoc/>
    public sealed override Task StartingAsync(CancellationToken cancellationToken)
    {
        following = FollowAsync();
        return Task.CompletedTask;
    }

    // Aspire.Hosting.Testing stops its host twice.
    /// <inheritdoc/>
    public sealed override Task StoppedAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return end ??= EndAsync();
        }
    }

    // Aspire.Hosting.Testing may stop its host once more after the disposal, so that the source stays usable.
    /// <inheritdoc/>
    public void Dispose()
    {
        ending.Cancel();
        GC.SuppressFinalize(this);
    }

    /// <summary>Follows until <see cref="Ending"/> is cancelled, and does not throw then.</summary>
    protected abstract Task FollowAsync();

    private async Task EndAsync()
    {
        await ending.CancelAsync();
        await following;
    }
}
