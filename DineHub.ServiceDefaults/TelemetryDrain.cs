using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace DineHub.ServiceDefaults;

/// <summary>
/// Sends the remaining traces, metrics and logs when the service has stopped, within <see cref="Deadline"/>: the providers' own
/// <c>Dispose</c> waits 5 s for each signal where the collector does not answer, and does nothing after this.
/// </summary>
internal sealed class TelemetryDrain : IHostedLifecycleService, IDisposable
{
    /// <summary>The time for all signals together: they are sent side by side.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    private readonly Lazy<Task> drain;

    /// <summary>Takes the providers, of which those exist that the telemetry is configured for.</summary>
    /// <param name="services">The application's services.</param>
    public TelemetryDrain(IServiceProvider services)
    {
        // Taken here and not later: the container disposes of this before them.
        var (traces, metrics, logs) = (services.GetService<TracerProvider>(), services.GetService<MeterProvider>(), services.GetService<LoggerProvider>());
        var milliseconds = (int)Deadline.TotalMilliseconds;
        drain = new Lazy<Task>(() => Task.WhenAll(
            OnItsOwnThread(() => traces?.Shutdown(milliseconds)),
            OnItsOwnThread(() => metrics?.Shutdown(milliseconds)),
            OnItsOwnThread(() => logs?.Shutdown(milliseconds))));
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // After the servers and all background work.
    public Task StoppedAsync(CancellationToken cancellationToken) => drain.Value;

    // A service that failed to start is disposed of without being stopped.
    public void Dispose() => drain.Value.GetAwaiter().GetResult();

    // It blocks, and the exporters need the thread pool.
    private static Task OnItsOwnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
