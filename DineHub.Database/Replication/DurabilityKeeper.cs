using System.Diagnostics.Metrics;
using System.Net.Sockets;
using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>
/// Watches groups once a second, and keeps each as it is configured. Runs beside a server, for its group, or once for all. Any number may run:
/// each step is one that a second one finds done. Its metrics are those of the meter <c>DineHub.Database</c>.
/// </summary>
public sealed partial class DurabilityKeeper : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookDeadline = TimeSpan.FromSeconds(10);

    private readonly List<GroupKeeper> keepers;
    private readonly TimeProvider time;
    private readonly ILogger<DurabilityKeeper> logger;
    private readonly Meter meter;

    /// <summary>Makes a keeper; it starts with its host.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="group">The one group that it keeps; empty for all.</param>
    /// <param name="time">The clock.</param>
    /// <param name="meters">Makes the meter.</param>
    /// <param name="logger">The log.</param>
    public DurabilityKeeper(DatabaseOptions options, string group, TimeProvider time, IMeterFactory meters, ILogger<DurabilityKeeper> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(meters);
        this.time = time;
        this.logger = logger;
        var connections = NodeConnections.AsAdministrator(options).Pooled();
        keepers = [.. options.Groups
            .Where(candidate => candidate.Standby is not null && (group.Length == 0 || candidate.Name == group))
            .Select(candidate => new GroupKeeper(options, candidate, connections, time, logger))];
        meter = meters.Create("DineHub.Database");
        meter.CreateObservableGauge("dinehub.database.replica.lag", () => Measure(status => status.Lag?.Bytes), "By", "WAL that is not yet on the standby's disk.");
        meter.CreateObservableGauge("dinehub.database.replica.lag.time", () => Measure(status => status.Lag?.Seconds), "s", "How long the standby took to write the newest WAL that it has.");
        meter.CreateObservableGauge("dinehub.database.replica.streaming", () => Measure<long>(status => status.Lag?.IsStreaming == true ? 1 : 0), description: "1 while the standby streams.");
        meter.CreateObservableGauge(
            "dinehub.database.durability.kept", () => Measure<long>(status => status.Durability is GroupDurability.Standby or GroupDurability.Local ? 1 : 0), description: "1 while commits wait for what is configured.");
        meter.CreateObservableGauge(
            "dinehub.database.prepared_transaction.age", () => Measure(status => status.OldestPreparedSeconds), "s", "How long ago the oldest transaction was prepared that is still open; 0 for none.");
        meter.CreateObservableGauge("dinehub.database.primary.up", () => Measure<long>(status => status.Durability == GroupDurability.NoPrimary ? 0 : 1), description: "1 while the group has a primary.");
    }

    /// <summary>What was last seen of each group.</summary>
    public IReadOnlyList<GroupStatus> Statuses => [.. keepers.Select(keeper => keeper.Status)];

    /// <summary>Healthy when for each group it has been settled what its commits wait for.</summary>
    /// <param name="context">The check.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var unsettled = Statuses.Where(status => status.Durability is GroupDurability.Unknown or GroupDurability.Waiting or GroupDurability.NoPrimary).ToList();
        return Task.FromResult(unsettled.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(string.Join(", ", unsettled.Select(status => $"{status.Group} is {status.Durability}"))));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        meter.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(keepers.Select(keeper => KeepAsync(keeper, stoppingToken)));

    private async Task KeepAsync(GroupKeeper keeper, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
            deadline.CancelAfter(LookDeadline);
            try
            {
                await keeper.LookAsync(deadline.Token);
            }
            catch (Exception e) when (!stop.IsCancellationRequested && e is NpgsqlException or SocketException or IOException or TimeoutException or OperationCanceledException)
            {
                LogFailed(keeper.Status.Group, e.Message);
            }
        }
        while (await WaitAsync(timer, stop));
    }

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private IEnumerable<Measurement<T>> Measure<T>(Func<GroupStatus, T?> value)
        where T : struct
    {
        foreach (var status in Statuses)
        {
            if (value(status) is { } known)
            {
                yield return new Measurement<T>(known, new KeyValuePair<string, object?>("group", status.Group), new KeyValuePair<string, object?>("primary", status.Primary));
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Group} could not be checked: {Reason}")]
    private partial void LogFailed(string group, string reason);
}
