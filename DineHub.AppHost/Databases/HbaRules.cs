namespace DineHub.AppHost.Databases;

/// <summary>
/// The rules of pg_hba.conf on every server: each role signs in with a password, and to no database that it does not need. NixOS machines read them from
/// <c>nix/generated/postgres.json</c> and add the address ranges of the mesh.
/// </summary>
internal static class HbaRules
{
    /// <summary>The table. The first rule that matches a connection decides.</summary>
    internal static IReadOnlyList<HbaRule> All { get; } =
    [
        new(HbaRule.Local, "all", ["postgres"], "pgBackRest connects by unix socket only"),
        new(HbaRule.Host, "all", ["postgres"], "the verbs, and on Citus the nodes among themselves, set servers up"),
        new(HbaRule.Host, "dinehub", ["dinehub_api", "dinehub_migrator", "dinehub_monitor"], "requests, migrations, statistics"),
        new(HbaRule.Host, "dinehub", ["dinehub_owner", "dinehub_replication"], "Citus nodes connect as the owner; standbys find the primary and rewind"),
        new(HbaRule.Host, "replication", ["dinehub_replication"], "a standby streams and takes base backups"),
    ];

    /// <summary>The text of pg_hba.conf for a server process: connections from this machine only.</summary>
    public static string ForProcess() => Write("127.0.0.1/32");

    /// <summary>The text of pg_hba.conf for a container: connections from any address, as the addresses of containers are not known.</summary>
    public static string ForContainer() => Write("all");

    private static string Write(string address)
    {
        List<string[]> rows =
        [
            .. All.Select(rule => new[] { rule.Type, rule.Database, string.Join(',', rule.Users), rule.Type == HbaRule.Local ? "" : address, HbaRule.Method }),
        ];
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToList();
        return string.Concat(rows.Select(row => string.Join("  ", row.Select((field, column) => field.PadRight(widths[column]))).TrimEnd() + "\n"));
    }
}
