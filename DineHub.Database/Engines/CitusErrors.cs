using Npgsql;

namespace DineHub.Database.Engines;

/// <summary>What an error of Citus means that has no SQLSTATE of its own.</summary>
public enum CitusFailure
{
    /// <summary>A connection to another node was lost or could not be made: 08006 elsewhere. A single statement may have been committed there.</summary>
    ConnectionLost,

    /// <summary>A COMMIT may have taken place: 08006 in answer to COMMIT elsewhere.</summary>
    OutcomeUnknown,

    /// <summary>Another node did not get a lock, or was lost, before anything was committed: 55P03 or 08006 elsewhere; the reason comes as a warning.</summary>
    LockOrConnection,

    /// <summary>The statement was planned for a shard that <c>db isolate</c> has just split: nothing was sent to a worker, and another try finds the new one.</summary>
    ShardSplit,
}

/// <summary>
/// The errors of Citus 13 that arrive as XX000 and mean a lost node or a lock, by the start of their message. XX000 is what <c>ereport</c> sends
/// without an <c>errcode</c>, and what Citus puts in place of the SQLSTATE that libpq's own errors lack (<c>ReportResultError</c> in
/// remote_commands.c). Citus's messages are not translated; libpq's are in the server's <c>lc_messages</c>.
/// </summary>
public static class CitusErrors
{
    /// <summary>The table: the start of the message, and what it means.</summary>
    internal static IReadOnlyList<(string Start, CitusFailure Meaning)> All { get; } =
    [
        // placement_connection.c: a COMMIT that was sent to a shard's node was not confirmed.
        ("could not commit transaction for shard ", CitusFailure.OutcomeUnknown),

        // remote_transaction.c: before the commit, also where LOCK TABLE waited in vain on another node.
        ("failure on connection marked as essential: ", CitusFailure.LockOrConnection),

        // shard_transfer.c, shard_split.c, shard_rebalancer.c: shards of the same tables are being moved.
        ("could not acquire the lock required to ", CitusFailure.LockOrConnection),

        // metadata_cache.c, LookupShardIdCacheEntry
        ("could not find valid entry for shard ", CitusFailure.ShardSplit),

        // remote_transaction.c: the answer to PREPARE TRANSACTION is missing; it is rolled back.
        ("failed to prepare transaction '", CitusFailure.ConnectionLost),

        // adaptive_executor.c, intermediate_results.c
        ("execution cannot recover from multiple connection failures", CitusFailure.ConnectionLost),
        ("failed to read result \"", CitusFailure.ConnectionLost),

        // connection_management.c, remote_commands.c: 57P01 elsewhere.
        ("postmaster was shut down, exiting", CitusFailure.ConnectionLost),

        // The last words of another node's server, which libpq repeats.
        ("FATAL:  ", CitusFailure.ConnectionLost),

        // libpq's fe-misc.c, fe-secure.c, fe-secure-openssl.c, fe-exec.c, fe-protocol3.c
        ("server closed the connection unexpectedly", CitusFailure.ConnectionLost),
        ("SSL connection has been closed unexpectedly", CitusFailure.ConnectionLost),
        ("SSL SYSCALL error: ", CitusFailure.ConnectionLost),
        ("SSL error: ", CitusFailure.ConnectionLost),
        ("could not receive data from server: ", CitusFailure.ConnectionLost),
        ("could not send data to server: ", CitusFailure.ConnectionLost),
        ("no connection to the server", CitusFailure.ConnectionLost),
        ("connection not open", CitusFailure.ConnectionLost),
        ("lost synchronization with server: ", CitusFailure.ConnectionLost),
    ];

    /// <summary>What an error means.</summary>
    /// <param name="error">A server's error.</param>
    /// <returns>Null for all that has an SQLSTATE of its own, and for an internal error that is none of the table.</returns>
    public static CitusFailure? MeaningOf(PostgresException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (error.SqlState != PostgresErrorCodes.InternalError)
        {
            return null;
        }

        foreach (var (start, meaning) in All)
        {
            if (error.MessageText.StartsWith(start, StringComparison.Ordinal))
            {
                return meaning;
            }
        }

        return null;
    }
}
