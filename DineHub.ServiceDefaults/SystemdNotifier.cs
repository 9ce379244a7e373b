using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DineHub.ServiceDefaults;

/// <summary>
/// Tells systemd that the service is ready, that it stops, and, at twice the rate that <c>WatchdogSec</c> asks for, that it still works (sd_notify(3),
/// sd_watchdog_enabled(3)). Microsoft.Extensions.Hosting.Systemd would replace this, but for the watchdog.
/// </summary>
/// <param name="configuration">With <c>NOTIFY_SOCKET</c> and <c>WATCHDOG_USEC</c>, which systemd puts into the environment; without them nothing is told.</param>
/// <param name="logger">Told once where systemd can't be reached.</param>
internal sealed partial class SystemdNotifier(IConfiguration configuration, ILogger<SystemdNotifier> logger) : IHostedLifecycleService, IDisposable
{
    private const long MicrosecondsPerTick = 10;

    private readonly CancellationTokenSource stop = new();
    private Socket? socket;
    private Task watching = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (configuration["NOTIFY_SOCKET"] is { Length: > 1 } path)
        {
            try
            {
                socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

                // "@" stands for the null character that an abstract address begins with.
                socket.Connect(new UnixDomainSocketEndPoint(path[0] == '@' ? '\0' + path[1..] : path));
            }
            catch (SocketException e)
            {
                LogUnreachable(path, e.Message);
                socket?.Dispose();
                socket = null;
            }
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await SendAsync("READY=1", cancellationToken);
        if (long.TryParse(configuration["WATCHDOG_USEC"], CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0)
        {
            watching = WatchAsync(TimeSpan.FromTicks(microseconds * MicrosecondsPerTick / 2));
        }
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => SendAsync("STOPPING=1", cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // While requests in flight end the watchdog is still fed: only now it is not.
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await watching.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        stop.Dispose();
        socket?.Dispose();
    }

    // By the thread pool that serves requests: where that hangs, nothing is told, and systemd restarts the service.
    private async Task WatchAsync(TimeSpan period)
    {
        using var timer = new PeriodicTimer(period);
        try
        {
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                await SendAsync("WATCHDOG=1", stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task SendAsync(string state, CancellationToken cancellationToken)
    {
        if (socket is null)
        {
            return;
        }

        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(state), SocketFlags.None, cancellationToken);
        }
        catch (SocketException e)
        {
            LogUnreachable(state, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{What}' could not be sent to systemd: {Reason}")]
    private partial void LogUnreachable(string what, string reason);
}
