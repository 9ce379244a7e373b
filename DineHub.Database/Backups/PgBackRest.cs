using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Database.Engines;
using DineHub.Database.Tools;

namespace DineHub.Database.Backups;

/// <summary>
/// pgBackRest 2.45 for one server (pgBackRest Command Reference). Runs on the server's machine, as the owner of its home folder. Every
/// command has a deadline; all of them throw <see cref="DatabaseSetupException"/> where pgBackRest is not installed and
/// <see cref="BackupException"/> where it fails.
/// </summary>
/// <param name="configuration">How it works on this server.</param>
/// <param name="secrets">The passphrase and the password.</param>
/// <param name="time">The clock.</param>
public sealed partial class PgBackRest(PgBackRestConfiguration configuration, BackupSecrets secrets, TimeProvider time)
{
    private const string Program = "pgbackrest";
    private const int NotFound = 127;

    // What pgBackRest exits with: src/build/error/error.yaml.
    private const int StanzaMismatch = 28;

    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);
    private static readonly string[] TargetSettings = ["recovery_target_time", "recovery_target_action"];

    private readonly ServerTool tool = new(configuration.HomeDirectory);

    /// <summary>How it works on this server.</summary>
    public PgBackRestConfiguration Configuration { get; } = configuration;

    /// <summary>How long a command may take that does not copy data. Its own deadlines, such as a minute for WAL to arrive, are shorter.</summary>
    public TimeSpan ShortDeadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a backup, a verification or a restore may take.</summary>
    public TimeSpan LongDeadline { get; init; } = TimeSpan.FromHours(12);

    /// <summary>
    /// Whether a line of a server's log says that the archive ended before the time that was to be restored: nothing was committed after
    /// it. The server has ended then; <see cref="RecoverToEndAsync"/> is what it needs before its next start.
    /// </summary>
    /// <param name="logLine">A line of the log, in English.</param>
    public static bool EndedBeforeTarget(string logLine)
    {
        ArgumentNullException.ThrowIfNull(logLine);
        return logLine.Contains("recovery ended before configured recovery target was reached", StringComparison.Ordinal);
    }

    /// <summary>Writes the configuration and makes the folders, which the server's archive command needs. May be repeated.</summary>
    /// <param name="ct">Cancels the work.</param>
    public async Task PrepareAsync(CancellationToken ct)
    {
        var text = Configuration.ToText();
        await RunToolAsync("mkdir", ["-p", "-m", "700", .. Configuration.Directories], ShortDeadline, ct);
        await tool.WriteAsync(Configuration.FilePath, text, ct);
    }

    /// <summary>
    /// Creates the stanza in the repository, or upgrades it for a re-created server or another version. Idempotent. The server must be
    /// running; its archive command fails until the stanza exists.
    /// </summary>
    /// <param name="ct">Cancels the work.</param>
    public async Task CreateStanzaAsync(CancellationToken ct)
    {
        try
        {
            await RunAsync(["stanza-create"], ShortDeadline, ct);
        }
        catch (BackupException e) when (e.InnerException is ToolException { ExitCode: StanzaMismatch })
        {
            await RunAsync(["stanza-upgrade"], ShortDeadline, ct);
        }
    }

    /// <summary>Checks that the server can be backed up: connects, switches WAL and waits until that is in the repository.</summary>
    /// <param name="ct">Cancels the work.</param>
    public Task CheckAsync(CancellationToken ct) => RunAsync(["check"], ShortDeadline, ct);

    /// <summary>Makes a backup, and lets go of those that are not to be kept any more. Without a full one, it is a full one.</summary>
    /// <param name="kind">What to copy.</param>
    /// <param name="ct">Cancels the work; what was copied is used by the next backup.</param>
    /// <returns>The backup.</returns>
    public async Task<Backup> BackUpAsync(BackupKind kind, CancellationToken ct)
    {
        var type = kind switch
        {
            BackupKind.Full => "full",
            BackupKind.Differential => "diff",
            BackupKind.Incremental => "incr",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        await RunAsync(["backup", "--type=" + type], LongDeadline, ct);
        return (await ListAsync(ct)).Backups[^1];
    }

    /// <summary>Lists what the repository holds. The server need not run.</summary>
    /// <param name="ct">Cancels the work.</param>
    public async Task<BackupList> ListAsync(CancellationToken ct) =>
        PgBackRestOutput.ParseInfo(await RunAsync(["info", "--output=json"], ShortDeadline, ct), Configuration.Stanza);

    /// <summary>Lets go of what is not to be kept any more. Backups do it by themselves.</summary>
    /// <param name="ct">Cancels the work.</param>
    public Task ExpireAsync(CancellationToken ct) => RunAsync(["expire"], ShortDeadline, ct);

    /// <summary>
    /// Reads all backups and all WAL and compares checksums, and finds what is missing: files, the WAL that a backup needs, gaps in the WAL since
    /// the oldest backup. The server need not run. No other command may make or expire a backup meanwhile.
    /// </summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="BackupException">Something is damaged or missing; the message names it.</exception>
    public async Task<Verification> VerifyAsync(CancellationToken ct)
    {
        var list = await ListAsync(ct);
        if (list.Backups.Count == 0)
        {
            throw new BackupException($"The repository has no backup of {Configuration.Stanza}.");
        }

        var files = PgBackRestOutput.ParseVerification(await RunAsync(["verify", "--output=text", "--verbose"], LongDeadline, ct), list.Backups);
        var segments = 0L;
        foreach (var backups in list.Backups.GroupBy(backup => backup.DatabaseId))
        {
            // verify looks at the WAL that is there, not for what is not.
            var archive = await ReadArchiveAsync(list, backups.Key, ct);
            var missing = backups.SelectMany(Needed).Where(segment => !archive.Contains(segment))
                .Concat(archive.Timelines.SelectMany(timeline => backups.Where(backup => CanReach(backup, timeline)).Take(1)
                    .SelectMany(oldest => archive.Missing(timeline, WalSegment.Parse(oldest.FirstWal).Number))))
                .Distinct()
                .ToList();
            if (missing.Count > 0)
            {
                throw new BackupException(
                    $"The archive of {Configuration.Stanza} lacks the WAL segments {string.Join(", ", missing.Take(10))}{(missing.Count > 10 ? ", …" : "")}: "
                    + "what came after them cannot be restored from an earlier backup. Make a full backup, and look for the cause in the server's log.");
            }

            segments += archive.SegmentCount;
        }

        return new Verification(list.Backups.Count, files, segments);
    }

    /// <summary>
    /// Lays out a server's data from the backup that leads to a target, on the timeline that was written to then. The caller starts the
    /// server with the same restore command (and with archiving), which recovers and is promoted at the target.
    /// </summary>
    /// <param name="target">What to bring back.</param>
    /// <param name="dataDirectory">The folder to fill: it must be empty, or not there.</param>
    /// <param name="ct">Cancels the work; the folder is useless then.</param>
    /// <exception cref="BackupException">No backup leads to the target.</exception>
    public async Task<RestoredBackup> RestoreAsync(RestoreTarget target, string dataDirectory, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        if (Directory.Exists(dataDirectory) && Directory.EnumerateFileSystemEntries(dataDirectory).Any())
        {
            throw new BackupException($"'{dataDirectory}' is not empty. Stop the server, and move its content away.");
        }

        if (target.Time is { } wanted && wanted > time.GetUtcNow())
        {
            throw new BackupException($"{target} is in the future; the time is {RestoreTarget.At(time.GetUtcNow())}.");
        }

        var restored = await ChooseAsync(target, ct);
        await RunToolAsync("mkdir", ["-p", "-m", "700", dataDirectory], ShortDeadline, ct);
        string[] recovery = target switch
        {
            { Time: { } until } =>
                ["--type=time", string.Create(CultureInfo.InvariantCulture, $"--target={until:yyyy-MM-dd HH:mm:ss.ffffff}+00"), "--target-action=promote"],
            { Name: { } name } => ["--type=name", "--target=" + name, "--target-action=promote"],
            _ => [],
        };

        // 2.45 writes the restore command between quotes as it is.
        string[] arguments =
        [
            "restore",
            "--pg1-path=" + dataDirectory,
            "--set=" + restored.Backup.Label,
            "--target-timeline=" + restored.Timeline.ToString(CultureInfo.InvariantCulture),
            "--recovery-option=restore_command=" + SettingText(Configuration.RestoreCommand),
            .. recovery,
        ];
        await RunAsync(arguments, LongDeadline, ct);
        return restored;
    }

    /// <summary>
    /// Lets a server that was restored to a time recover to the end of its timeline: when it has ended because nothing was committed after
    /// that time, which <see cref="EndedBeforeTarget"/> tells. What it has replayed already is kept.
    /// </summary>
    /// <param name="restored">What <see cref="RestoreAsync"/> returned.</param>
    /// <param name="dataDirectory">The server's data directory; the server must not run.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="BackupException">
    /// The server is not being recovered to a time, or the archive has a gap: then recovery ended there, and commits before the time are missing.
    /// </exception>
    public async Task RecoverToEndAsync(RestoredBackup restored, string dataDirectory, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(restored);
        var path = Path.Combine(dataDirectory, "postgresql.auto.conf");
        var lines = await File.ReadAllLinesAsync(path, ct);
        if (!lines.Any(line => IsSetting(line, TargetSettings[0])) || !File.Exists(Path.Combine(dataDirectory, "recovery.signal")))
        {
            throw new BackupException($"'{dataDirectory}' is not being recovered to a time.");
        }

        var archive = await ReadArchiveAsync(await ListAsync(ct), restored.Backup.DatabaseId, ct);
        RefuseGap(archive, archive.Get(restored.Timeline), restored.Backup);
        var kept = lines.Where(line => !TargetSettings.Any(name => IsSetting(line, name)));
        await tool.WriteAsync(path, string.Concat(kept.Select(line => line + "\n")), ct);
    }

    private static bool IsSetting(string line, string name) => line.Split('=')[0].Trim() == name;

    // As in postgresql.conf (PostgreSQL documentation, 20.1.1).
    private static string SettingText(string value) =>
        value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);

    private static IEnumerable<WalSegment> Needed(Backup backup)
    {
        var (first, last) = (WalSegment.Parse(backup.FirstWal), WalSegment.Parse(backup.LastWal));
        for (var number = first.Number; number <= last.Number; number++)
        {
            yield return last with { Number = number };
        }
    }

    private static bool CanReach(Backup backup, Timeline timeline) =>
        timeline.CanFollow(WalSegment.Parse(backup.LastWal).Timeline, backup.StopLocation);

    private static void RefuseGap(WalArchive archive, Timeline timeline, Backup backup)
    {
        var missing = archive.Missing(timeline, WalSegment.Parse(backup.FirstWal).Number);
        if (missing.Count > 0)
        {
            throw new BackupException(
                $"Recovery would end at a gap in the archive: {missing[0]} is missing, and there is WAL after it. "
                + "What came before the gap can be restored by its time; what came after it needs a later backup.");
        }
    }

    private async Task<RestoredBackup> ChooseAsync(RestoreTarget target, CancellationToken ct)
    {
        var list = await ListAsync(ct);
        var moment = target.Time ?? target.PointTime();
        var earlier = list.Backups.Where(backup => !backup.HasErrors && EndedBy(backup, moment)).ToList();
        if (earlier.Count == 0)
        {
            var oldest = list.Backups.FirstOrDefault(backup => !backup.HasErrors);
            throw new BackupException(oldest is null
                ? $"The repository has no backup of {Configuration.Stanza}."
                : $"No backup of {Configuration.Stanza} leads to {target}: the oldest ended at {RestoreTarget.At(oldest.Stop)}.");
        }

        var archive = await ReadArchiveAsync(list, earlier[^1].DatabaseId, ct);
        var timeline = moment is { } then ? archive.At(then) : archive.Newest;
        var leading = earlier.Where(backup => backup.DatabaseId == earlier[^1].DatabaseId && CanReach(backup, timeline)).ToList();
        if (leading.Count == 0)
        {
            throw new BackupException($"No backup of {Configuration.Stanza} leads to {target} on timeline {timeline.Id}.");
        }

        // The time in a point's name is the coordinator's, and clocks differ a little. Without one, only the oldest is surely before it.
        var backup = target.Name is null ? leading[^1]
            : moment is null ? leading[0]
            : leading.FindLast(backup => EndedBy(backup, moment - ClockSkew)) ?? leading[^1];
        if (target == RestoreTarget.Latest)
        {
            RefuseGap(archive, timeline, backup);
        }

        return new RestoredBackup(backup, timeline.Id);
    }

    // The list has whole seconds.
    private static bool EndedBy(Backup backup, DateTimeOffset? moment) => moment is null || backup.Stop + TimeSpan.FromSeconds(1) <= moment;

    private async Task<WalArchive> ReadArchiveAsync(BackupList list, int databaseId, CancellationToken ct)
    {
        if (list.Wal.FirstOrDefault(wal => wal.DatabaseId == databaseId) is not { } wal)
        {
            return new WalArchive([], []);
        }

        var folder = $"archive/{Configuration.Stanza}/{wal.Id}";
        var files = PgBackRestOutput.ParseListing(await RunAsync(["repo-ls", "--output=json", "--recurse", folder], ShortDeadline, ct));
        var timelines = new List<Timeline>();
        foreach (var (name, since) in files.Where(file => HistoryPattern().IsMatch(file.Key)))
        {
            var history = await RunAsync(["repo-get", $"{folder}/{name}"], ShortDeadline, ct);
            timelines.Add(Timeline.Parse(uint.Parse(name.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), since, history));
        }

        return new WalArchive(timelines, files.Keys.Select(name => WalSegment.TryParse(Path.GetFileName(name))).OfType<WalSegment>());
    }

    private async Task<string> RunAsync(string[] arguments, TimeSpan deadline, CancellationToken ct)
    {
        try
        {
            // Options come after the command or before it; what a command works on comes last.
            return await RunToolAsync(Program, ["--config=" + Configuration.FilePath, "--stanza=" + Configuration.Stanza, .. arguments], deadline, ct);
        }
        catch (ToolException e) when (e.ExitCode == NotFound)
        {
            throw new DatabaseSetupException("pgBackRest, which makes the backups, is not installed: 'sudo apt-get install pgbackrest' (Debian, Ubuntu).");
        }
        catch (ToolException e)
        {
            throw new BackupException($"{Configuration.Stanza}: pgbackrest {arguments[0]} failed: {e.Output}", e);
        }
    }

    private async Task<string> RunToolAsync(string program, string[] arguments, TimeSpan deadline, CancellationToken ct)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(deadline);
        try
        {
            return await tool.RunAsync(program, arguments, limited.Token, secrets.ToolEnvironment);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new BackupException($"{Configuration.Stanza}: {program} {arguments[0]} did not end within {deadline}.", e);
        }
    }

    [GeneratedRegex(@"\A[0-9A-F]{8}\.history\z")]
    private static partial Regex HistoryPattern();
}
