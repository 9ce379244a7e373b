using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>How far a standby is behind its primary, as the primary sees it.</summary>
/// <param name="IsStreaming">Whether the standby is connected and streams.</param>
/// <param name="IsSynchronous">Whether commits wait for it.</param>
/// <param name="Bytes">WAL that is not yet on the standby's disk, in bytes; null where its slot does not tell.</param>
/// <param name="Seconds">How long the standby took to write the newest WAL that it has, in seconds; null where it does not stream.</param>
/// <param name="SlotIsLost">Whether the primary has removed WAL that the standby needs: the standby must be cloned again.</param>
public sealed record ReplicationLag(bool IsStreaming, bool IsSynchronous, long? Bytes, double? Seconds, bool SlotIsLost)
{
    /// <summary>Asks a primary.</summary>
    /// <param name="primary">A connection to it, as a superuser or a member of pg_monitor.</param>
    /// <param name="standby">The standby's name.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<ReplicationLag> ReadAsync(NpgsqlConnection primary, string standby, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(primary);
        return (await primary.ListAsync(
            """
            SELECT coalesce(walsender.state = 'streaming', false),
                   coalesce(walsender.sync_state IN ('sync', 'quorum'), false),
                   pg_wal_lsn_diff(pg_current_wal_flush_lsn(), coalesce(walsender.flush_lsn, slot.restart_lsn))::bigint,
                   CASE WHEN walsender.state = 'streaming' THEN extract(epoch FROM coalesce(walsender.flush_lag, interval '0'))::float8 END,
                   coalesce(slot.wal_status = 'lost', false)
            FROM (SELECT 1) AS one
            LEFT JOIN pg_stat_replication AS walsender ON walsender.application_name = $1
            LEFT JOIN pg_replication_slots AS slot ON slot.slot_name = $2
            ORDER BY walsender.state = 'streaming' DESC NULLS LAST LIMIT 1
            """,
            row => new ReplicationLag(
                row.GetBoolean(0),
                row.GetBoolean(1),
                row.IsDBNull(2) ? null : Math.Max(0, row.GetInt64(2)),
                row.IsDBNull(3) ? null : row.GetDouble(3),
                row.GetBoolean(4)),
            ct,
            standby,
            ReplicationSlot.Of(standby)))[0];
    }
}
