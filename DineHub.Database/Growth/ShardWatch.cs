using System.Diagnostics.Metrics;
using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DineHub.Database.Growth;

/// <summary>
/// Measures the workers' shard groups once a minute, each with one query of its catalogs; the metric <c>dinehub.database.shard.size</c> of the meter
/// <c>DineHub.Database</c>. Runs with the keeper, which knows the primaries.
/// </summary>
public sealed partial class ShardWatch : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly DurabilityKeeper keeper;
    private readonly IReadOnlyList<DatabaseGroup> groups;
    private readonly NodeConnections connections;
    private readonly TimeProvider time;
    private readonly ILogger<ShardWatch> logger;
    private readonly Meter meter;
    private volatile IReadOnlyList<Measurement<long>> sizes = [];

    /// <summary>Makes a watch; it starts with its host.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="group">The one group that it measures; empty for all workers.</param>
    /// <param name="keeper">Knows the primaries.</param>
    /// <param name="time">The clock.</param>
    /// <param name="meters">Makes the meter.</param>
    /// <param name="logger">The log.</param>
    public ShardWatch(DatabaseOptions options, string group, DurabilityKeeper keeper, TimeProvider time, IMeterFactory meters, ILogger<ShardWatch> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(meters);
        (this.keeper, this.time, this.logger) = (keeper, time, logger);
        groups = [.. options.Groups.Skip(1).Where(candidate => group.Length == 0 || candidate.Name == group)];
        connections = NodeConnections.AsAdministrator(options);
        meter = meters.Create("DineHub.Database");
        meter.CreateObservableGauge("dinehub.database.shard.size", () => sizes, "By", "The size of a shard group with its indexes.");
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        meter.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                sizes = [.. (await Task.WhenAll(groups.Select(group => MeasureAsync(group, stoppingToken)))).SelectMany(measured => measured)];
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task<IReadOnlyList<Measurement<long>>> MeasureAsync(DatabaseGroup group, CancellationToken stop)
    {
        var primary = keeper.Statuses.FirstOrDefault(status => status.Group == group.Name)?.Primary ?? group.Name;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(Deadline);
        try
        {
            await using var connection = await connections.OpenAsync(group.Members.First(member => member.Name == primary), DatabaseOptions.DatabaseName, deadline.Token);
            return [.. (await ShardSize.ReadAsync(connection, deadline.Token)).Select(shard => new Measurement<long>(
                shard.Bytes,
                new("group", group.Name),
                new("shard", shard.Shard.ToString(CultureInfo.InvariantCulture)),
                new("isolated", shard.IsIsolated ? "true" : "false")))];
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // Measuring must not end the keeper.
            LogFailed(group.Name, e.Message);
            return [];
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "The shards of {Group} could not be measured: {Reason}")]
    private partial void LogFailed(string group, string reason);
}
