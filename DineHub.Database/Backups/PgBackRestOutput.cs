using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DineHub.Database.Backups;

/// <summary>Reads what pgBackRest 2.45 prints.</summary>
internal static partial class PgBackRestOutput
{
    private const int StatusMissingStanza = 1;
    private const int StatusOther = 99;

    /// <summary>Reads <c>info --output=json</c>.</summary>
    /// <exception cref="BackupException">The repository cannot be read: pgBackRest tells so in the text only, its exit code is 0.</exception>
    public static BackupList ParseInfo(string json, string stanza)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            // With a wrong passphrase 2.45 quotes what it has read, as it is.
            throw new BackupException($"The repository of {stanza} cannot be read; check the passphrase.", e);
        }

        using (document)
        {
            return ParseInfo(document, stanza);
        }
    }

    /// <summary>Reads <c>repo-ls --output=json</c>: the names of the files, relative to the folder, and when each was written.</summary>
    public static IReadOnlyDictionary<string, DateTimeOffset> ParseListing(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject()
            .Where(entry => entry.Value.GetProperty("type").GetString() == "file")
            .ToDictionary(entry => entry.Name, entry => DateTimeOffset.FromUnixTimeSeconds(entry.Value.GetProperty("time").GetInt64()));
    }

    /// <summary>Reads <c>verify --output=text --verbose</c>.</summary>
    /// <param name="text">The output.</param>
    /// <param name="expected">The backups that must be there, with all their files.</param>
    /// <exception cref="BackupException">Something is damaged or missing: again the exit code is 0.</exception>
    public static long ParseVerification(string text, IEnumerable<Backup> expected)
    {
        var valid = BackupPattern().Matches(text).Where(match => match.Groups["status"].Value == "valid").ToDictionary(
            match => match.Groups["label"].Value, match => long.Parse(match.Groups["files"].Value, CultureInfo.InvariantCulture));

        // A backup without its manifest does not make 2.45's whole status an error, nor does one whose folder is gone.
        var invalid = expected.Where(backup => !valid.ContainsKey(backup.Label)).Select(backup => backup.Label).ToList();
        if (invalid.Count > 0 || !text.Contains("status: ok", StringComparison.Ordinal))
        {
            throw new BackupException(
                (invalid.Count > 0 ? $"These backups are damaged: {string.Join(", ", invalid)}. " : "The repository is damaged. ")
                + $"Make a full backup, and look for the cause in the storage. pgbackrest verify said:{Environment.NewLine}{text.Trim()}");
        }

        return valid.Values.Sum();
    }

    private static BackupList ParseInfo(JsonDocument document, string stanza)
    {
        var found = document.RootElement.EnumerateArray().Where(entry => entry.GetProperty("name").GetString() == stanza).ToList();
        if (found.Count == 0)
        {
            return BackupList.Empty;
        }

        foreach (var status in found[0].GetProperty("repo").EnumerateArray().Select(repository => repository.GetProperty("status")))
        {
            switch (status.GetProperty("code").GetInt32())
            {
                case StatusMissingStanza:
                    return BackupList.Empty;
                case StatusOther:
                    throw new BackupException(
                        $"The repository of {stanza} cannot be read; check its address and the passphrase: {Printable(status.GetProperty("message").GetString()!)}");
            }
        }

        return new BackupList(
            [.. found[0].GetProperty("backup").EnumerateArray().Select(ParseBackup).OrderBy(backup => backup.Stop).ThenBy(backup => backup.Label, StringComparer.Ordinal)],
            [.. found[0].GetProperty("archive").EnumerateArray().Select(ParseWal).OrderBy(wal => wal.DatabaseId)]);
    }

    private static Backup ParseBackup(JsonElement backup)
    {
        var wal = backup.GetProperty("archive");
        var times = backup.GetProperty("timestamp");
        var sizes = backup.GetProperty("info");
        return new Backup(
            backup.GetProperty("label").GetString()!,
            backup.GetProperty("type").GetString() switch
            {
                "full" => BackupKind.Full,
                "diff" => BackupKind.Differential,
                "incr" => BackupKind.Incremental,
                var other => throw new FormatException($"'{other}' is not a type of backup."),
            },
            DateTimeOffset.FromUnixTimeSeconds(times.GetProperty("start").GetInt64()),
            DateTimeOffset.FromUnixTimeSeconds(times.GetProperty("stop").GetInt64()),
            wal.GetProperty("start").GetString()!,
            wal.GetProperty("stop").GetString()!,
            WalSegment.ParseLocation(backup.GetProperty("lsn").GetProperty("stop").GetString()!),
            sizes.GetProperty("size").GetInt64(),
            sizes.GetProperty("repository").GetProperty("size").GetInt64(),
            backup.GetProperty("error").GetBoolean(),
            backup.GetProperty("database").GetProperty("id").GetInt32());
    }

    private static WalRange ParseWal(JsonElement archive) => new(
        archive.GetProperty("id").GetString()!,
        archive.GetProperty("database").GetProperty("id").GetInt32(),
        archive.GetProperty("min").GetString(),
        archive.GetProperty("max").GetString());

    private static string Printable(string text) => string.Concat(text.Split('\n')[0].Where(character => !char.IsControl(character)));

    [GeneratedRegex(@"^\s*backup: (?<label>\S+), status: (?<status>[^,]+), total files checked: \d+, total valid files: (?<files>\d+)", RegexOptions.Multiline)]
    private static partial Regex BackupPattern();
}
