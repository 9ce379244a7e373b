namespace DineHub.Database.Backups;

/// <summary>What a backup copies (pgBackRest user guide, "Backup Types").</summary>
public enum BackupKind
{
    /// <summary>Everything.</summary>
    Full,

    /// <summary>What has changed since the last full backup; needs only that one.</summary>
    Differential,

    /// <summary>What has changed since the last backup of any kind; needs all back to the full one.</summary>
    Incremental,
}

/// <summary>A backup in a repository.</summary>
/// <param name="Label">Its name in the repository: <c>20261121-104527F</c>.</param>
/// <param name="Kind">What it copies.</param>
/// <param name="Start">When it began, in UTC, cut to the second.</param>
/// <param name="Stop">When it ended, in UTC, cut to the second: a later time can be restored from it.</param>
/// <param name="FirstWal">The first WAL segment that it needs.</param>
/// <param name="LastWal">The last WAL segment that it needs.</param>
/// <param name="StopLocation">The WAL location where it is consistent.</param>
/// <param name="DatabaseBytes">The size of the server's data in bytes.</param>
/// <param name="RepositoryBytes">What a restore reads from the repository, in bytes: this backup and those that it builds on.</param>
/// <param name="HasErrors">Whether pages with wrong checksums were found.</param>
/// <param name="DatabaseId">The backup's database within the stanza: a re-created database of the same name has a higher number.</param>
public sealed record Backup(
    string Label,
    BackupKind Kind,
    DateTimeOffset Start,
    DateTimeOffset Stop,
    string FirstWal,
    string LastWal,
    ulong StopLocation,
    long DatabaseBytes,
    long RepositoryBytes,
    bool HasErrors,
    int DatabaseId);

/// <summary>The WAL that a repository keeps of one database.</summary>
/// <param name="Id">Its folder in the repository: <c>15-1</c>, PostgreSQL's version and <paramref name="DatabaseId"/>.</param>
/// <param name="DatabaseId">Which database of the stanza it is of.</param>
/// <param name="FirstWal">The oldest segment; null where there is none.</param>
/// <param name="LastWal">The newest segment; null where there is none.</param>
public sealed record WalRange(string Id, int DatabaseId, string? FirstWal, string? LastWal);

/// <summary>What a repository keeps of one stanza.</summary>
/// <param name="Backups">The backups, the oldest first.</param>
/// <param name="Wal">The WAL, one range a database, the current one last.</param>
public sealed record BackupList(IReadOnlyList<Backup> Backups, IReadOnlyList<WalRange> Wal)
{
    /// <summary>An empty repository, or one without the stanza.</summary>
    public static BackupList Empty { get; } = new([], []);
}

/// <summary>What a verification has read.</summary>
/// <param name="Backups">Backups, all of them valid.</param>
/// <param name="Files">Files of those backups.</param>
/// <param name="WalSegments">WAL segments, without a gap.</param>
public sealed record Verification(int Backups, long Files, long WalSegments);

/// <summary>What a restore has laid out; the server recovers when it is started.</summary>
/// <param name="Backup">The backup that was taken.</param>
/// <param name="Timeline">The timeline that recovery follows.</param>
public sealed record RestoredBackup(Backup Backup, uint Timeline);
