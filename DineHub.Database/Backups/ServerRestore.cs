using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using DineHub.Database.Servers;
using DineHub.Database.Tools;

namespace DineHub.Database.Backups;

/// <summary>Restores one server on its machine: lays out its files, lets it recover reachable by its socket only, and records it as a primary.</summary>
internal sealed class ServerRestore(
    PgBackRest backups, BackupSecrets secrets, ServerOnThisMachine server, ServerFiles files, NodeConnections connections, TimeProvider time, Action<string> report)
{
    private const int RecoveryDeadlineSeconds = 12 * 60 * 60;
    private const int StatusLine = 7;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly ServerTool tool = new(server.HomeDirectory);

    private PgBackRestConfiguration Configuration => backups.Configuration;

    private string Control => files.Program("pg_ctl");

    private string Log => Path.Combine(Configuration.ToolDirectory, "recovery.log");

    public static bool IsRunning(ServerOnThisMachine server)
    {
        var file = Path.Combine(server.DataDirectory, "postmaster.pid");
        return File.Exists(file)
            && int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid)
            && Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"));
    }

    public async Task RunAsync(RestoreTarget target, IReadOnlyList<DatabaseGroup> groups, CancellationToken ct)
    {
        MoveAside();
        await backups.PrepareAsync(ct);
        var restored = await backups.RestoreAsync(target, server.DataDirectory, ct);
        report($"{server.Name}: restored from {restored.Backup.Label}, recovers to {target}");
        if (!await RecoverAsync(ct))
        {
            await backups.RecoverToEndAsync(restored, server.DataDirectory, ct);
            if (!await RecoverAsync(ct))
            {
                throw new BackupException($"'{server.Name}' did not recover; see '{Log}'.");
            }
        }

        try
        {
            await BecomePrimaryAsync(groups, ct);
        }
        finally
        {
            if (IsRunning(server))
            {
                await tool.RunAsync(Control, ["stop", "--pgdata", server.DataDirectory, "--mode=fast", "--wait", "--silent"], CancellationToken.None);
            }
        }

        // After a restore of all servers no other server can vouch to 'db join' that this one is the primary.
        await tool.WriteAsync(files[NodeJoin.RestoredFile], "", ct);
        report($"{server.Name}: ready to be started");
    }

    /// <summary>Moves the data folder away: what a crashed server has not archived is in it, and nowhere else.</summary>
    public void MoveAside()
    {
        if (Directory.Exists(server.DataDirectory))
        {
            var aside = string.Create(CultureInfo.InvariantCulture, $"{Path.TrimEndingDirectorySeparator(server.DataDirectory)}.before-{time.GetUtcNow():yyyyMMdd'T'HHmmss}");
            Directory.Move(server.DataDirectory, aside);
            report($"{server.Name}: the old data is in '{aside}'; remove it when all is well");
        }
    }

    // Reached by its socket alone, and not before it is at the target. False where the archive ends before that.
    private async Task<bool> RecoverAsync(CancellationToken ct)
    {
        File.Delete(Log);
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "",
            ["unix_socket_directories"] = Configuration.SocketDirectory,
            ["port"] = Configuration.Port.ToString(CultureInfo.InvariantCulture),
            ["hot_standby"] = "off",
            ["synchronous_standby_names"] = "",
            ["archive_mode"] = "on",
            ["archive_command"] = Configuration.ArchiveCommand,
            ["log_destination"] = "stderr",
            ["logging_collector"] = "off",
        };
        try
        {
            await tool.RunAsync(
                Control,
                [
                    "start", "--pgdata", server.DataDirectory, "--wait", "--timeout", RecoveryDeadlineSeconds.ToString(CultureInfo.InvariantCulture), "--log", Log, "--silent",
                    "--options", string.Join(' ', settings.Select(pair => $"-c {Quoted($"{pair.Key}={pair.Value}")}")),
                ],
                ct,
                secrets.ServerEnvironment);
        }
        catch (ToolException)
        {
            return RefuseUnlessEnded();
        }

        // pg_ctl waits for the start of recovery only.
        while (IsRunning(server))
        {
            if (Status() == "ready")
            {
                return true;
            }

            await Task.Delay(PollInterval, time, ct);
        }

        return RefuseUnlessEnded();
    }

    private bool RefuseUnlessEnded()
    {
        if (!File.Exists(Log) || !File.ReadLines(Log).Any(PgBackRest.EndedBeforeTarget))
        {
            throw new BackupException($"'{server.Name}' did not recover; see '{Log}'.");
        }

        report($"{server.Name}: the archive ends before the target; it is recovered to its end");
        return false;
    }

    // The eighth line of postmaster.pid: "starting", "standby", "ready" (PostgreSQL's pidfile.h).
    private string Status()
    {
        try
        {
            return File.ReadLines(files["postmaster.pid"]).ElementAtOrDefault(StatusLine)?.Trim() ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    // The records are those of the time that was restored; another server may have been the primary then.
    private async Task BecomePrimaryAsync(IReadOnlyList<DatabaseGroup> groups, CancellationToken ct)
    {
        await using var connection = await connections.OpenAsync(
            new DatabaseNode(server.Name, "", Configuration.SocketDirectory, Configuration.Port), DatabaseOptions.DatabaseName, ct);
        var generation = (await PrimaryRecords.ReadAsync(connection, ct)).Select(record => record.Generation).DefaultIfEmpty().Max() + 1;
        foreach (var group in groups)
        {
            await PrimaryRecords.WriteAsync(connection, new PrimaryRecord(group.Name, group.Home.Name, generation, InSync: false, time.GetUtcNow()), ct);
        }

        await connection.ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = ''", ct);

        // A standby that is copied from it would try to recover to the target, too.
        foreach (var setting in new[] { "restore_command", "recovery_target_time", "recovery_target_name", "recovery_target_action", "recovery_target_timeline" })
        {
            await connection.ExecuteFormattedAsync("ALTER SYSTEM RESET %1$I", ct, setting);
        }
    }

    // pg_ctl hands the options to a shell.
    private static string Quoted(string value) => $"'{value.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
