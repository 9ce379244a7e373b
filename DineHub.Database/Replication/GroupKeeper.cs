using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>What a group's commits wait for now.</summary>
public enum GroupDurability
{
    /// <summary>Not known yet.</summary>
    Unknown,

    /// <summary>The primary's disk, as configured.</summary>
    Local,

    /// <summary>The standby as well: every acknowledged commit is on both disks.</summary>
    Standby,

    /// <summary>The standby, which does not answer: commits wait until it does, or until the time-out.</summary>
    Waiting,

    /// <summary>The primary's disk alone, although the standby is what is configured: it has been gone for too long.</summary>
    Degraded,

    /// <summary>There is no primary.</summary>
    NoPrimary,
}

/// <summary>What the keeper last saw of a group.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Durability">What its commits wait for.</param>
/// <param name="Primary">The name of its primary.</param>
/// <param name="Lag">How far the standby is behind; null where no primary tells.</param>
/// <param name="OldestPreparedSeconds">How long ago the oldest transaction was prepared that is neither committed nor rolled back, in seconds; 0 where there is none, null where no primary tells.</param>
public sealed record GroupStatus(string Group, GroupDurability Durability, string Primary, ReplicationLag? Lag, double? OldestPreparedSeconds = null);

/// <summary>
/// Keeps one group as it is configured: commits wait for the standby while it streams; when it has been gone for the time-out, the primary goes on
/// alone, loudly, and returns by itself. A primary that no other node of the cluster can hear does not: it may be the one that is cut off,
/// and its standby may be about to be promoted. Two primaries are ended at once.
/// </summary>
internal sealed partial class GroupKeeper(DatabaseOptions options, DatabaseGroup group, NodeConnections connections, TimeProvider time, ILogger logger)
{
    // A standby that is further behind would hold up every commit until it has caught up: one segment of WAL.
    private const long CloseEnoughBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan RecordInterval = TimeSpan.FromSeconds(10);

    private long? goneSince;
    private long? recordedAt;
    private PrimaryRecord? recorded;
    private string? waitedUntilLsn;

    public GroupStatus Status { get; private set; } = new(group.Name, GroupDurability.Unknown, group.Home.Name, Lag: null);

    /// <summary>Looks once, and does what is to be done.</summary>
    public async Task LookAsync(CancellationToken ct)
    {
        var members = await Task.WhenAll(group.Members.Select(node => NodeProbe.AskAsync(connections, node, ct)));
        var view = new GroupView(group, members, PrimaryRecord.Newest(members.SelectMany(member => member.Records).Where(record => record.Group == group.Name)));
        if (members.Count(member => member.State == ServerState.Primary) > 1)
        {
            await EndSecondPrimaryAsync(members, view, ct);
        }

        if (view.Primary.State != ServerState.Primary)
        {
            Become(new GroupStatus(group.Name, GroupDurability.NoPrimary, view.Primary.Node.Name, Lag: null));
            return;
        }

        await KeepAsync(view, ct);
    }

    private async Task KeepAsync(GroupView view, CancellationToken ct)
    {
        var primary = view.Primary.Node;
        var standby = view.Standby!;
        await using var connection = await connections.OpenAsync(primary, DatabaseOptions.DatabaseName, ct);
        var record = view.Record?.Node == primary.Name ? view.Record : new PrimaryRecord(group.Name, primary.Name, (view.Record?.Generation ?? 0) + 1, InSync: false, time.GetUtcNow());
        await ReplicationSlot.EnsureAsync(connection, standby.Node.Name, ct);
        await DropSlotsOfStandbyAsync(standby, ct);
        var lag = await ReplicationLag.ReadAsync(connection, standby.Node.Name, ct);
        if (lag.SlotIsLost)
        {
            LogSlotLost(standby.Node.Name, primary.Name);
        }

        var durability = options.Durability == Durability.Local
            ? await StayLocalAsync(connection, record, ct)
            : await FollowStandbyAsync(connection, standby.Node, lag, record, ct);
        Become(new GroupStatus(group.Name, durability, primary.Name, lag, await OldestPreparedAsync(connection, ct)));
    }

    // Citus commits on several nodes in two phases, and recovers what is left in between each citus.recover_2pc_interval.
    private static Task<double> OldestPreparedAsync(NpgsqlConnection primary, CancellationToken ct) =>
        primary.ScalarAsync<double>("SELECT coalesce(extract(epoch FROM now() - min(prepared)), 0)::float8 FROM pg_prepared_xacts", ct);

    private async Task<GroupDurability> StayLocalAsync(NpgsqlConnection primary, PrimaryRecord record, CancellationToken ct)
    {
        await RecordAsync(primary, record with { InSync = false }, ct);
        await SetStandbyNamesAsync(primary, "", ct);
        return GroupDurability.Local;
    }

    private async Task<GroupDurability> FollowStandbyAsync(NpgsqlConnection primary, DatabaseNode standby, ReplicationLag lag, PrimaryRecord record, CancellationToken ct)
    {
        var names = $"\"{standby.Name}\"";
        var waits = await primary.ScalarAsync<string>("SHOW synchronous_standby_names", ct) == names;
        if (lag.IsStreaming)
        {
            goneSince = null;
            if (!waits && lag.Bytes > CloseEnoughBytes)
            {
                return GroupDurability.Degraded;
            }

            if (!waits)
            {
                await SetStandbyNamesAsync(primary, names, ct);
                waitedUntilLsn = null;
                return GroupDurability.Waiting;
            }

            // Commits that were acknowledged before are on the standby as soon as it has what was written until now.
            waitedUntilLsn ??= await primary.ScalarAsync<string>("SELECT pg_current_wal_insert_lsn()::text", ct);
            var caughtUp = lag.IsSynchronous && await primary.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND flush_lsn >= $2::pg_lsn)", ct, standby.Name, waitedUntilLsn!);
            if (!caughtUp)
            {
                return GroupDurability.Waiting;
            }

            await RecordAsync(primary, record with { InSync = true }, ct);
            return GroupDurability.Standby;
        }

        if (!waits)
        {
            await RecordAsync(primary, record with { InSync = false }, ct);
            return GroupDurability.Degraded;
        }

        goneSince ??= time.GetTimestamp();
        if (time.GetElapsedTime(goneSince.Value) < options.StandbyTimeout)
        {
            return GroupDurability.Waiting;
        }

        // First it is told, then done: a standby that lacks commits must not be promoted by somebody who does not know.
        if (await RecordAsync(primary, record with { InSync = false }, ct, insist: true) == 0)
        {
            LogAlone(group.Name, standby.Name);
            return GroupDurability.Waiting;
        }

        await SetStandbyNamesAsync(primary, "", ct);
        waitedUntilLsn = null;
        return GroupDurability.Degraded;
    }

    private static async Task SetStandbyNamesAsync(NpgsqlConnection primary, string names, CancellationToken ct)
    {
        if (await primary.ScalarAsync<string>("SHOW synchronous_standby_names", ct) != names)
        {
            await primary.ExecuteFormattedAsync("ALTER SYSTEM SET synchronous_standby_names = %1$L", ct, names);
            await primary.ExecuteAsync("SELECT pg_reload_conf()", ct);
        }
    }

    /// <summary>Writes the record on this primary, and on the other groups' primaries where it has changed, or now and then.</summary>
    /// <returns>How many of the others have it.</returns>
    private async Task<int> RecordAsync(NpgsqlConnection primary, PrimaryRecord record, CancellationToken ct, bool insist = false)
    {
        var same = recorded is not null && recorded with { ChangedAt = record.ChangedAt } == record;
        if (!insist && same && recordedAt is { } at && time.GetElapsedTime(at) < RecordInterval)
        {
            return 0;
        }

        record = record with { ChangedAt = same ? recorded!.ChangedAt : time.GetUtcNow() };
        await PrimaryRecords.WriteAsync(primary, record, ct);
        var told = 0;
        foreach (var other in options.Groups.Where(other => other.Name != group.Name))
        {
            told += await TellAsync(other, record, ct) ? 1 : 0;
        }

        (recorded, recordedAt) = (record, time.GetTimestamp());
        return told;
    }

    private async Task<bool> TellAsync(DatabaseGroup other, PrimaryRecord record, CancellationToken ct)
    {
        foreach (var member in other.Members)
        {
            try
            {
                await using var connection = await connections.OpenAsync(member, DatabaseOptions.DatabaseName, ct);
                if (!await connection.ScalarAsync<bool>("SELECT pg_is_in_recovery()", ct))
                {
                    return await PrimaryRecords.WriteAsync(connection, record, ct);
                }
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                // The next one, or the next time.
            }
        }

        return false;
    }

    // Slots from its time as the primary: they would retain its WAL without end.
    private async Task DropSlotsOfStandbyAsync(NodeProbe standby, CancellationToken ct)
    {
        if (standby.State == ServerState.Standby)
        {
            await using var connection = await connections.OpenAsync(standby.Node, DatabaseOptions.DatabaseName, ct);
            await connection.ExecuteAsync(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active AND slot_name = ANY ($1)",
                ct, (object)group.Members.Select(member => ReplicationSlot.Of(member.Name)).ToArray());
        }
    }

    private async Task EndSecondPrimaryAsync(NodeProbe[] members, GroupView view, CancellationToken ct)
    {
        foreach (var second in members.Where(member => member.State == ServerState.Primary && member != view.Primary))
        {
            LogSecondPrimary(second.Node.Name, group.Name, view.Primary.Node.Name);
            await using var connection = await connections.OpenAsync(second.Node, DatabaseOptions.DatabaseName, ct);
            await Fence.ApplyAsync(connection, ct);
        }
    }

    private void Become(GroupStatus status)
    {
        var before = Status.Durability;
        Status = status;
        if (before == status.Durability)
        {
            return;
        }

        switch (status.Durability)
        {
            case GroupDurability.Degraded:
                LogDegraded(group.Name, status.Primary);
                break;
            case GroupDurability.NoPrimary:
                LogNoPrimary(group.Name);
                break;
            case GroupDurability.Waiting when before == GroupDurability.Standby:
                LogWaiting(group.Name, options.StandbyTimeout.TotalSeconds);
                break;
            default:
                LogDurability(group.Name, status.Durability, status.Primary);
                break;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Group}: durability {Durability}, primary {Primary}")]
    private partial void LogDurability(string group, GroupDurability durability, string primary);

    [LoggerMessage(2, LogLevel.Warning, "{Group}: the standby is gone; commits wait for it for at most {Seconds} s")]
    private partial void LogWaiting(string group, double seconds);

    [LoggerMessage(3, LogLevel.Error, "{Group}: DEGRADED to durability Local: no standby streams from {Primary}. New commits are on the primary's disk only until a standby streams.")]
    private partial void LogDegraded(string group, string primary);

    [LoggerMessage(4, LogLevel.Error, "{Group}: no primary answers. If it does not come back: DineHub.Api db promote {Group}")]
    private partial void LogNoPrimary(string group);

    [LoggerMessage(5, LogLevel.Critical, "{Node} is a second primary of {Group} beside {Primary}, and is fenced")]
    private partial void LogSecondPrimary(string node, string group, string primary);

    [LoggerMessage(6, LogLevel.Error, "{Group}: standby {Standby} is gone, and no other primary of the cluster is reachable: this primary may be cut off. Commits keep waiting.")]
    private partial void LogAlone(string group, string standby);

    [LoggerMessage(7, LogLevel.Error, "{Standby}: {Primary} has removed WAL that the standby needs; restart the standby, so that 'db join' clones it again")]
    private partial void LogSlotLost(string standby, string primary);
}
