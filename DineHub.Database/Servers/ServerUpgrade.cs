using System.Collections.Frozen;
using System.Text.RegularExpressions;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Replication;
using DineHub.Database.Tools;

namespace DineHub.Database.Servers;

/// <summary>
/// Moves the data of a stopped primary to a newer major version of PostgreSQL: <c>pg_upgrade --link</c>, and on Citus the steps before and after of its documentation
/// ("Upgrading PostgreSQL version"). Takes seconds whatever the size, as files are linked and not copied. The old data directory cannot start a server afterwards: the way
/// back is the standby, which keeps the old version until it is cloned again.
/// </summary>
/// <param name="files">The server's files, with the programs of the newer version.</param>
/// <param name="formerBin">The folder of the former version's programs.</param>
/// <param name="report">Receives what happens, a line each.</param>
public sealed partial class ServerUpgrade(ServerFiles files, string formerBin, Action<string> report)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromHours(1);

    private const int MaxLogLines = 20;

    private static readonly string[] AfterUpgrade = ["SELECT citus_finish_pg_upgrade()", "SET citus.enable_ddl_propagation = off"];

    private static readonly FrozenSet<string> NotTaken = FrozenSet.ToFrozenSet(["postmaster.pid", "postmaster.opts", "current_logfiles", "backup_label", "backup_label.old", "tablespace_map", "tablespace_map.old"]);

    private readonly ServerFiles former = new(files.DataDirectory, formerBin);
    private readonly ServerFiles made = new(files.DataDirectory + ".upgrade", files.BinDirectory);
    private readonly ServerTool tool = new(files.Parent);

    /// <summary>Upgrades the data. Interrupted before files are linked, the former data is as it was; after that the standby is the way back.</summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="DatabaseSetupException">It cannot be upgraded as it is, or it took more than an hour; the message says what to do. Nothing was changed.</exception>
    /// <exception cref="ToolException">A program of PostgreSQL failed; the message has the end of its output.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Deadline);
        try
        {
            await UpgradeAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new DatabaseSetupException($"'{files.DataDirectory}' was not upgraded within {Deadline.TotalMinutes} minutes.");
        }
    }

    private async Task UpgradeAsync(CancellationToken ct)
    {
        var (from, to) = await VersionsAsync(ct);
        await RefuseAsync(ct);
        var usesCitus = (await tool.RunAsync(former.Program("postgres"), ["-D", files.DataDirectory, "-C", "shared_preload_libraries"], ct)).Contains("citus", StringComparison.Ordinal);
        var place = (await tool.RunAsync("mktemp", ["--directory", "--tmpdir", "dinehub-upgrade.XXXXXX"], ct)).Trim();
        try
        {
            // Only the server's user gets at a socket in this folder.
            await tool.WriteAsync(Path.Combine(place, "pg_hba.conf"), "local all postgres trust\n", ct);
            if (usesCitus)
            {
                await RunPrivatelyAsync(former, place, ["SELECT citus_prepare_pg_upgrade()"], ct);
            }

            await LinkAsync(place, usesCitus, ct);

            // Statistics are not taken over: rough ones at once, autovacuum or vacuumdb makes finer ones.
            await RunPrivatelyAsync(made, place, [.. usesCitus ? AfterUpgrade : [], "SET default_statistics_target = 1", "ANALYZE"], ct);

            // Only what is whole: without its last steps Citus would take distributed tables for local ones.
            var kept = $"{files.DataDirectory}.{from}";
            ServerFiles.Remove(kept);
            Directory.Move(files.DataDirectory, kept);
            Directory.Move(made.DataDirectory, files.DataDirectory);
            report($"'{files.DataDirectory}' is of PostgreSQL {to}. The former data, in '{kept}', shares its files and must not be started: remove it when the standby is in sync again.");
        }
        finally
        {
            ServerFiles.Remove(place);
        }
    }

    private async Task<(int From, int To)> VersionsAsync(CancellationToken ct)
    {
        var data = await ServerVersion.OfDataAsync(files, ct) ?? throw new DatabaseSetupException($"'{files.DataDirectory}' is not the data of a PostgreSQL server.");
        var older = await ServerVersion.OfProgramsAsync(former, tool, ct);
        if (older != data)
        {
            throw new DatabaseSetupException($"The programs in '{formerBin}' are of PostgreSQL {older?.ToString() ?? "no version"}, the data of {data}: name the folder of PostgreSQL {data} with --from.");
        }

        var newer = await ServerVersion.OfProgramsAsync(files, tool, ct);
        return newer > data
            ? (data, newer.Value)
            : throw new DatabaseSetupException($"The programs in '{files.BinDirectory}' are of PostgreSQL {newer?.ToString() ?? "no version"}, the data of {data}: name the folder of a newer version with --bin.");
    }

    private async Task RefuseAsync(CancellationToken ct)
    {
        if (File.Exists(files["standby.signal"]) || File.Exists(files[Fence.File]))
        {
            throw new DatabaseSetupException($"'{files.DataDirectory}' is not a primary's: a standby is copied from its primary, once that is upgraded, when it next starts.");
        }

        if (!File.Exists(files["global/pg_control"]) && File.Exists(files["global/pg_control.old"]))
        {
            throw new DatabaseSetupException(
                $"An upgrade of '{files.DataDirectory}' was interrupted after its files were linked. Put the former programs back, promote the standby ('db promote --lost'), and start this server: it is copied from it.");
        }

        var control = await tool.RunAsync(former.Program("pg_controldata"), [files.DataDirectory], ct);
        if (!control.Split('\n').Any(line => line.StartsWith("Database cluster state:", StringComparison.Ordinal) && line.EndsWith(" shut down", StringComparison.Ordinal)))
        {
            throw new DatabaseSetupException($"The server of '{files.DataDirectory}' runs, or has crashed: stop it ('pg_ctl stop', 'systemctl stop postgresql'), starting it once more if it crashed.");
        }
    }

    private async Task LinkAsync(string place, bool usesCitus, CancellationToken ct)
    {
        ServerFiles.Remove(made.DataDirectory);
        await tool.RunAsync(
            files.Program("initdb"),
            ["-D", made.DataDirectory, "--username=postgres", "--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--data-checksums"],
            ct);

        // Passwords are in what pg_upgrade copies.
        var settings = (await File.ReadAllLinesAsync(files["postgresql.conf"], ct)).Where(line => line.Trim() is { Length: > 0 } text && text[0] != '#');
        await tool.WriteAsync(made["postgresql.conf"], string.Join('\n', [.. await File.ReadAllLinesAsync(made["postgresql.conf"], ct), "", .. settings]) + "\n", ct);
        await tool.WriteAsync(made["pg_hba.conf"], await File.ReadAllTextAsync(files["pg_hba.conf"], ct), ct);

        var options = $"-c hba_file={place}/pg_hba.conf -c archive_mode=off -c synchronous_standby_names=''{(usesCitus ? " -c shared_preload_libraries=citus" : "")}";
        string[] upgrade =
        [
            files.Program("pg_upgrade"), "--link", "--username=postgres", "--socketdir", place,
            "--old-datadir", files.DataDirectory, "--old-bindir", formerBin, "--old-options", options,
            "--new-datadir", made.DataDirectory, "--new-bindir", Path.GetDirectoryName(files.Program("pg_upgrade"))!, "--new-options", options,
        ];
        foreach (var step in new[] { [.. upgrade, "--check"], upgrade })
        {
            await RunUpgradeAsync(place, step, ct);
        }

        // ALTER SYSTEM's settings, and files that settings name, such as certificates.
        foreach (var file in Directory.EnumerateFiles(files.DataDirectory).Select(file => Path.GetFileName(file)!))
        {
            if (file == "postgresql.auto.conf" || !(File.Exists(made[file]) || NotTaken.Contains(file)))
            {
                await tool.WriteAsync(made[file], await File.ReadAllTextAsync(files[file], ct), ct);
            }
        }
    }

    private async Task RunUpgradeAsync(string place, string[] command, CancellationToken ct)
    {
        try
        {
            // It writes to the folder that it is started in.
            await tool.RunAsync("sh", ["-c", "cd \"$0\" && exec \"$@\"", place, .. command], ct, EnvironmentOf(place));
        }
        catch (ToolException e) when (LogName().Match(e.Output) is { Success: true, Groups: var groups })
        {
            throw await WithLogAsync(e, "pg_upgrade", groups["file"].Value, ct);
        }
    }

    // libpq looks for certificates in the home folder, which may be root's.
    private static Dictionary<string, string> EnvironmentOf(string place) => new() { ["HOME"] = place };

    // The programs only name the log, and that goes with the folder.
    private static async Task<ToolException> WithLogAsync(ToolException failure, string program, string log, CancellationToken ct)
    {
        var lines = File.Exists(log) ? await File.ReadAllLinesAsync(log, ct) : [];
        return new ToolException(program, failure.ExitCode, string.Join(Environment.NewLine, [failure.Output, .. lines.TakeLast(MaxLogLines)]));
    }

    // Reached by nothing but this.
    private async Task RunPrivatelyAsync(ServerFiles server, string place, IReadOnlyList<string> statements, CancellationToken ct)
    {
        var options = $"-c listen_addresses='' -c unix_socket_directories={place} -c port=5432 -c hba_file={place}/pg_hba.conf -c archive_mode=off -c synchronous_standby_names=''";
        var log = Path.Combine(place, "log");
        try
        {
            await tool.RunAsync(server.Program("pg_ctl"), ["start", "-D", server.DataDirectory, "--wait", "--timeout=600", "--log", log, "--options", options], ct, EnvironmentOf(place));
        }
        catch (ToolException e)
        {
            throw await WithLogAsync(e, "pg_ctl", log, ct);
        }

        try
        {
            await tool.RunAsync(
                server.Program("psql"),
                ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host", place, "--port=5432", "--username=postgres", "--dbname", DatabaseOptions.DatabaseName, .. statements.SelectMany(sql => new[] { "--command", sql })],
                ct);
        }
        finally
        {
            await tool.RunAsync(server.Program("pg_ctl"), ["stop", "-D", server.DataDirectory, "--wait", "--timeout=600", "--mode=fast"], CancellationToken.None);
        }
    }

    [GeneratedRegex(@"last few lines of ""(?<file>[^""]+)""", RegexOptions.CultureInvariant)]
    private static partial Regex LogName();
}
