using System.Collections.Frozen;
using System.Text.RegularExpressions;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
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

    // What citus_prepare_pg_upgrade() does, taken back: its copies of the metadata, and the aggregates that it removes (Citus, citus_finish_pg_upgrade).
    private static readonly string[] UndoPreparation =
    [
        "SET citus.enable_ddl_propagation = off",
        """
        DO $do$
        DECLARE copy record;
        BEGIN
          FOR copy IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'pg\_dist\_%' LOOP
            EXECUTE format('DROP TABLE public.%I', copy.tablename);
          END LOOP;
          IF to_regprocedure('pg_catalog.array_cat_agg(anycompatiblearray)') IS NULL THEN
            CREATE AGGREGATE pg_catalog.array_cat_agg(anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray);
            ALTER EXTENSION citus ADD AGGREGATE pg_catalog.array_cat_agg(anycompatiblearray);
          END IF;
          IF to_regprocedure('pg_catalog.any_value(anyelement)') IS NULL THEN
            CREATE FUNCTION pg_catalog.any_value_agg(anyelement, anyelement) RETURNS anyelement LANGUAGE sql STABLE AS 'SELECT coalesce($1, $2)';
            CREATE AGGREGATE pg_catalog.any_value(anyelement) (SFUNC = any_value_agg, COMBINEFUNC = any_value_agg, STYPE = anyelement);
            ALTER EXTENSION citus ADD FUNCTION pg_catalog.any_value_agg(anyelement, anyelement);
            ALTER EXTENSION citus ADD AGGREGATE pg_catalog.any_value(anyelement);
          END IF;
        END $do$;
        """,
    ];

    private static readonly FrozenSet<string> NotTaken = FrozenSet.ToFrozenSet(["postmaster.pid", "postmaster.opts", "current_logfiles", "backup_label", "backup_label.old", "tablespace_map", "tablespace_map.old"]);

    private readonly ServerFiles former = new(files.DataDirectory, formerBin);
    private readonly ServerFiles made = new(FolderBeside(files), files.BinDirectory);
    private readonly ServerTool tool = new(files.Parent);

    /// <summary>Where the new data is made, beside the former.</summary>
    internal static string FolderBeside(ServerFiles files) => files.DataDirectory + ".upgrade";

    /// <summary>Upgrades the data. Interrupted before files are linked, the former data is as it was; after that the standby is the way back.</summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="DatabaseSetupException">It cannot be upgraded as it is, or it took more than an hour; the message has the next step.</exception>
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
            throw new DatabaseSetupException($"'{files.DataDirectory}' was not upgraded within {Deadline.TotalMinutes} minutes. Run this again: it goes on, or says why it cannot.");
        }
    }

    private async Task UpgradeAsync(CancellationToken ct)
    {
        if (!files.HasData && made.HasData)
        {
            // Interrupted between the last two steps: all of it is there.
            Directory.Move(made.DataDirectory, files.DataDirectory);
            report($"'{files.DataDirectory}' was upgraded by an earlier run, and is in its place now.");
            return;
        }

        var (from, to) = await VersionsAsync(ct);
        await RefuseAsync(ct);
        var usesCitus = (await tool.RunAsync(former.Program("postgres"), ["-D", files.DataDirectory, "-C", "shared_preload_libraries"], ct)).Contains("citus", StringComparison.Ordinal);
        var place = (await tool.RunAsync("mktemp", ["--directory", "--tmpdir", "dinehub-upgrade.XXXXXX"], ct)).Trim();
        try
        {
            // Only the server's user gets at a socket in this folder.
            await tool.RunAsync("sh", ["-c", "echo 'local all postgres trust' > \"$0\"", Path.Combine(place, "pg_hba.conf")], ct);
            await MakeAsync(ct);
            if (usesCitus)
            {
                await RefuseOtherCitusAsync(place, ct);
            }

            await RunUpgradeAsync(place, usesCitus, "--check", ct);
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
            throw new DatabaseSetupException($"The server of '{files.DataDirectory}' runs, or has crashed: stop it ('systemctl stop postgresql'; 'pg_ctl stop' for one that an interrupted upgrade has left), starting it once more if it crashed.");
        }
    }

    // Empty data of the newer version, with the former settings. Every file is read and written as the server's user, who may have put links there.
    private async Task MakeAsync(CancellationToken ct)
    {
        await new LeftoverServer(made, tool, report).StopAsync(ct);
        ServerFiles.Remove(made.DataDirectory);
        await tool.RunAsync(
            files.Program("initdb"),
            ["-D", made.DataDirectory, "--username=postgres", "--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--data-checksums"],
            ct);

        // Passwords are in what pg_upgrade copies.
        await tool.RunAsync("sh", ["-c", "grep -vE '^[[:space:]]*(#|$)' \"$0\" >> \"$1\"", files["postgresql.conf"], made["postgresql.conf"]], ct);

        // Access rules, ALTER SYSTEM's settings, and files that settings name, such as certificates.
        foreach (var file in Directory.EnumerateFiles(files.DataDirectory).Select(file => Path.GetFileName(file)!))
        {
            if (file is "postgresql.auto.conf" or "pg_hba.conf" || !(File.Exists(made[file]) || NotTaken.Contains(file)))
            {
                await tool.RunAsync("cp", ["--preserve=mode", "--", files[file], made[file]], ct);
            }
        }
    }

    private async Task RefuseOtherCitusAsync(string place, CancellationToken ct)
    {
        var extension = (await RunPrivatelyAsync(former, place, ["SELECT extversion FROM pg_extension WHERE extname = 'citus'"], ct)).Trim();
        var control = Path.Combine((await tool.RunAsync(files.Program("pg_config"), ["--sharedir"], ct)).Trim(), "extension", "citus.control");
        var package = File.Exists(control) && DefaultVersion().Match(await File.ReadAllTextAsync(control, ct)) is { Success: true, Groups: var groups } ? groups["version"].Value : null;
        if (extension.Length > 0 && (package is null || CitusVersion.Parse(package) != CitusVersion.Parse(extension)))
        {
            throw new DatabaseSetupException(
                $"The data has the extension citus {extension}, and the newer PostgreSQL {(package is null ? "has no Citus" : $"the package {package}")}: install Citus {CitusVersion.Parse(extension)} for it first.");
        }
    }

    private async Task LinkAsync(string place, bool usesCitus, CancellationToken ct)
    {
        try
        {
            await RunUpgradeAsync(place, usesCitus, "--link", ct);
        }
        catch (Exception) when (usesCitus && File.Exists(files["global/pg_control"]))
        {
            // Nothing is linked: the former server starts again, and its tables must not have copies of Citus's metadata, passwords among them.
            await RunPrivatelyAsync(former, place, UndoPreparation, CancellationToken.None);
            throw;
        }
    }

    private async Task RunUpgradeAsync(string place, bool usesCitus, string mode, CancellationToken ct)
    {
        var options = $"-c hba_file={place}/pg_hba.conf -c archive_mode=off -c synchronous_standby_names=''{(usesCitus ? " -c shared_preload_libraries=citus" : "")}";
        string[] command =
        [
            files.Program("pg_upgrade"), mode, "--username=postgres", "--socketdir", place,
            "--old-datadir", files.DataDirectory, "--old-bindir", formerBin, "--old-options", options,
            "--new-datadir", made.DataDirectory, "--new-bindir", Path.GetDirectoryName(files.Program("pg_upgrade"))!, "--new-options", options,
        ];
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
    private async Task<string> RunPrivatelyAsync(ServerFiles server, string place, IReadOnlyList<string> statements, CancellationToken ct)
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
            return await tool.RunAsync(
                server.Program("psql"),
                ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--host", place, "--port=5432", "--username=postgres", "--dbname", DatabaseOptions.DatabaseName, .. statements.SelectMany(sql => new[] { "--command", sql })],
                ct);
        }
        finally
        {
            await tool.RunAsync(server.Program("pg_ctl"), ["stop", "-D", server.DataDirectory, "--wait", "--timeout=600", "--mode=fast"], CancellationToken.None);
        }
    }

    [GeneratedRegex(@"last few lines of ""(?<file>[^""]+)""", RegexOptions.CultureInvariant)]
    private static partial Regex LogName();

    [GeneratedRegex(@"default_version\s*=\s*'(?<version>[^']+)'", RegexOptions.CultureInvariant)]
    private static partial Regex DefaultVersion();
}
