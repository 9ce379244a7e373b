using System.Diagnostics;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Backups;

/// <summary>Sees to it that what a server has written so far is in the archive.</summary>
public static class WalArchiver
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Ends the server's current WAL segment and waits until that is archived.</summary>
    /// <param name="server">An administrator's connection to the server, which must be no standby.</param>
    /// <param name="name">The server's name, for messages.</param>
    /// <param name="deadline">How long to wait. A segment takes seconds, longer where the archiver has others to store before.</param>
    /// <param name="ct">Cancels the wait.</param>
    /// <exception cref="BackupException">The server does not archive, or not in time: the message has its last failure.</exception>
    /// <exception cref="NpgsqlException">The server does not answer.</exception>
    public static async Task ArchiveAsync(NpgsqlConnection server, string name, TimeSpan deadline, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (await server.ScalarAsync<string>("SHOW archive_mode", ct) == "off")
        {
            throw new BackupException($"{name} does not archive its WAL: set archive_mode=on and its archive_command, and restart it.");
        }

        // The message makes sure that there is a segment to end. An archiver that has failed three times sleeps for a minute, however soon
        // its repository is back, and only a new segment wakes it.
        await server.ScalarAsync<string>("SELECT pg_logical_emit_message(false, 'dinehub', 'archive')::text", ct);
        var segment = (await server.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())", ct))!;
        var clock = Stopwatch.StartNew();
        while (!await IsArchivedAsync(server, segment, ct))
        {
            if (clock.Elapsed > deadline)
            {
                throw new BackupException($"{name} has not archived {segment} within {deadline}: {await LastFailureAsync(server, ct)}");
            }

            await Task.Delay(PollInterval, ct);
        }
    }

    // Segments are archived in order; beside them go files whose names are longer or shorter (.backup, .history, .partial). Right after
    // a start nothing was archived yet, and a segment of before is known by its status file only.
    private static Task<bool> IsArchivedAsync(NpgsqlConnection server, string segment, CancellationToken ct) => server.ScalarAsync<bool>(
        """
        SELECT coalesce(left(last_archived_wal, 24) COLLATE "C" >= $1, false)
            OR EXISTS (SELECT FROM pg_ls_archive_statusdir() WHERE name = $1 || '.done')
        FROM pg_stat_archiver
        """, ct, segment);

    private static async Task<string> LastFailureAsync(NpgsqlConnection server, CancellationToken ct) =>
        (await server.ScalarAsync<string>(
            """
            SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')
                        THEN format('its archive_command failed for %s at %s, %s times in all; its log says why.', last_failed_wal, last_failed_time, failed_count)
                        ELSE format('its archiver reports no failure; %s segments wait.', (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'))
                   END
            FROM pg_stat_archiver
            """, ct))!;
}
