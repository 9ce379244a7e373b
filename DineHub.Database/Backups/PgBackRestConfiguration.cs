using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DineHub.Database.Backups;

/// <summary>
/// How pgBackRest works on one server (pgBackRest 2.45, Configuration Reference). Holds no secret: see <see cref="BackupSecrets"/>.
/// </summary>
public sealed partial record PgBackRestConfiguration
{
    /// <summary>pgBackRest's name for the server and those that replicate it: the group's, such as <c>db-worker-1</c>. Letters, digits, - and _.</summary>
    public required string Stanza { get; init; }

    /// <summary>A folder that the server's user owns; pgBackRest's own files go to <c>pgbackrest</c> below it.</summary>
    public required string HomeDirectory { get; init; }

    /// <summary>The server's data directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Where the server's unix socket is: pgBackRest connects to no other.</summary>
    public required string SocketDirectory { get; init; }

    /// <summary>The server's port, 1 to 65535; the socket's name has it.</summary>
    public required int Port { get; init; }

    /// <summary>Where the backups go.</summary>
    public required BackupRepository Repository { get; init; }

    /// <summary>A superuser of the server.</summary>
    public string User { get; init; } = "postgres";

    /// <summary>Full backups to keep, at least 1; older ones go, with the WAL that only they need.</summary>
    public int FullBackups { get; init; } = 2;

    /// <summary>Differential backups to keep, at least 1.</summary>
    public int DifferentialBackups { get; init; } = 7;

    /// <summary>How files are compressed: <c>none</c>, <c>gz</c>, <c>lz4</c>, <c>zst</c> or <c>bz2</c>.</summary>
    public string Compression { get; init; } = "zst";

    /// <summary>The folder of pgBackRest's own files: configuration, log, locks.</summary>
    public string ToolDirectory => Path.Combine(HomeDirectory, "pgbackrest");

    /// <summary>The file that <see cref="ToText"/> belongs to.</summary>
    public string FilePath => Path.Combine(ToolDirectory, "pgbackrest.conf");

    /// <summary>
    /// The server's <c>archive_command</c>. As a value; in postgresql.conf it must be quoted. Needs <c>archive_mode=on</c> and
    /// <see cref="BackupSecrets.ServerEnvironment"/>.
    /// </summary>
    public string ArchiveCommand => $"{Command()} archive-push \"%p\"";

    /// <summary>A server's <c>restore_command</c>, as a value. <see cref="PgBackRest.RestoreAsync"/> sets it in what it restores.</summary>
    public string RestoreCommand => $"{Command()} archive-get %f \"%p\"";

    internal IReadOnlyList<string> Directories => Repository is DirectoryRepository directory
        ? [ToolDirectory, LogDirectory, LockDirectory, SpoolDirectory, directory.Path]
        : [ToolDirectory, LogDirectory, LockDirectory, SpoolDirectory];

    private string LogDirectory => Path.Combine(ToolDirectory, "log");

    private string LockDirectory => Path.Combine(ToolDirectory, "lock");

    private string SpoolDirectory => Path.Combine(ToolDirectory, "spool");

    /// <summary>The text of pgbackrest.conf.</summary>
    /// <exception cref="ArgumentException">A value cannot be written there, or is out of its range.</exception>
    public string ToText()
    {
        if (!StanzaPattern().IsMatch(Stanza))
        {
            throw new ArgumentException($"A stanza's name has letters, digits, - and _, but is '{Stanza}'.");
        }

        var text = new StringBuilder();
        void Add(string option, string value) => text.Append(option).Append('=').Append(Checked(option, value)).Append('\n');
        void AddNumber(string option, int value, int maximum) => Add(option, value >= 1 && value <= maximum
            ? value.ToString(CultureInfo.InvariantCulture)
            : throw new ArgumentException($"{option} must be from 1 to {maximum}, but is {value}."));

        text.Append("[global]\n");
        switch (Repository)
        {
            case DirectoryRepository directory:
                Add("repo1-type", "posix");
                Add("repo1-path", directory.Path);
                break;
            case S3Repository s3:
                Add("repo1-type", "s3");
                Add("repo1-path", s3.Prefix);
                Add("repo1-s3-bucket", s3.Bucket);
                Add("repo1-s3-region", s3.Region);
                Add("repo1-s3-endpoint", s3.Endpoint);
                Add("repo1-s3-key-type", "auto");
                break;
            default:
                throw new ArgumentException($"No repository of type {Repository.GetType().Name} is known.");
        }

        Add("repo1-cipher-type", "aes-256-cbc");
        AddNumber("repo1-retention-full", FullBackups, 9_999_999);
        AddNumber("repo1-retention-diff", DifferentialBackups, 9_999_999);
        Add("compress-type", Compression);

        // Without it a backup waits for the next checkpoint, which may be minutes away.
        Add("start-fast", "y");

        // A command that returns when the segment is stored: what pg_stat_archiver says is then in the repository.
        Add("archive-async", "n");
        Add("log-path", LogDirectory);
        Add("lock-path", LockDirectory);
        Add("spool-path", SpoolDirectory);
        Add("log-level-console", "off");
        Add("log-level-stderr", "warn");
        Add("log-level-file", "info");
        text.Append('\n').Append('[').Append(Stanza).Append("]\n");
        Add("pg1-path", DataDirectory);
        AddNumber("pg1-port", Port, 65535);
        Add("pg1-socket-path", SocketDirectory);
        Add("pg1-user", User);
        Add("pg1-database", "postgres");
        return text.ToString();
    }

    // The file has no quotes or escapes: a value is the rest of its line, without the spaces around it.
    private static string Checked(string option, string value) =>
        value.Length > 0 && value == value.Trim() && !value.Any(char.IsControl)
            ? value
            : throw new ArgumentException($"{option} must not be empty, hold line breaks, or begin or end with a space.");

    private string Command() => $"pgbackrest --config={Quoted(Checked("config", FilePath))} --stanza={Quoted(Stanza)}";

    // For the shell, then for PostgreSQL, which replaces %p and %f and makes one of %% (PostgreSQL documentation, 26.3.1).
    private static string Quoted(string value) =>
        (PlainPattern().IsMatch(value) ? value : $"'{value.Replace("'", @"'\''", StringComparison.Ordinal)}'").Replace("%", "%%", StringComparison.Ordinal);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_-]*\z")]
    private static partial Regex StanzaPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_./-]+\z")]
    private static partial Regex PlainPattern();
}
