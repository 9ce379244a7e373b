using System.Globalization;
using System.Text;
using static DineHub.AppHost.Databases.ServerPlaces;

namespace DineHub.AppHost.Databases;

/// <summary>
/// The settings of a PostgreSQL server, for every place that runs one: processes and containers of a developer's machine, and NixOS machines, which read them
/// from <c>nix/generated/postgres.json</c>. Settings that a machine computes (memory, WAL kept, TLS, archiving) are in <c>nix/modules/postgres-service.nix</c>.
/// </summary>
internal static class ServerSettings
{
    /// <summary>The longest folder of a unix socket, in bytes: the socket's path may have 107 (unix(7)), "/.s.PGSQL.20000" included.</summary>
    internal const int MaxSocketDirectoryBytes = 90;

    /// <summary>The table.</summary>
    internal static IReadOnlyList<PlacedSetting> All { get; } =
    [
        new("max_connections", "200", Development | MachineGroup, "sessions of all replicas, of the verbs, and on Citus of the other nodes"),
        new("max_prepared_transactions", "200", Container | Initialization, "writes to several nodes commit in two phases; machines: as max_connections"),
        new("max_worker_processes", "16", MachineGroup, "Citus and logical replication need workers of their own; the default of 8 is enough for local data"),
        new("max_wal_senders", "20", MachineGroup, "a standby, base backups and shard moves at once; the default of 10 is enough for local data"),
        new("max_replication_slots", "20", MachineGroup, "a standby and shard moves at once; the default of 10 is enough for local data"),
        new("wal_level", "logical", Development | MachineGroup | Initialization, "shards that are being written to move by logical replication") { OnlyWithCitus = true },
        new("wal_keep_size", "256MB", Container | Initialization, "pg_rewind needs the WAL since the last common checkpoint; machines: by volume"),
        new("shared_preload_libraries", "citus", Initialization, "Citus loads at server start only, before any other library") { OnlyWithCitus = true },

        new("wal_sender_timeout", "5s", Everywhere, "a primary notices a lost standby within seconds"),
        new("wal_receiver_timeout", "5s", Everywhere, "a standby notices a lost primary within seconds"),
        new("wal_retrieve_retry_interval", "1s", Everywhere, "a standby reconnects soon"),
        new("max_slot_wal_keep_size", "1GB", Development, "a lost standby must not fill the disk; machines: by volume"),
        new("password_encryption", "scram-sha-256", Everywhere, "the access rules take no other verifier"),
        new("tcp_keepalives_idle", "10", Everywhere, "with the next two: a vanished client is dropped within 20 s"),
        new("tcp_keepalives_interval", "3", Everywhere, "seconds between two keepalives without an answer"),
        new("tcp_keepalives_count", "3", Everywhere, "keepalives without an answer"),

        new("citus.node_connection_timeout", "2s", Everywhere, "a node that hangs holds up others' statements for as long; the default is 30 s") { OnlyWithCitus = true },
        new("citus.recover_2pc_interval", "2s", Everywhere, "what a client or node left prepared holds its locks for as long; the default is 60 s") { OnlyWithCitus = true },
        new("citus.enable_stat_counters", "on", Everywhere, "the keeper measures how many queries touch several shards; Citus before 13.2 has no such setting and only warns") { OnlyWithCitus = true },

        new("archive_mode", "on", Process, "backups need the WAL; machines archive where dinehub.backup is enabled, containers have no pgBackRest"),
        new("archive_timeout", "60s", Process, "the newest changes reach the archive within a minute; machines: dinehub.postgres.archive.timeoutSeconds"),
        new("shared_buffers", "32MB", Development, "one developer's machine runs all servers; machines take a share of their memory"),
        new("log_destination", "stderr", Development, "the AppHost reads the log there; machines keep PostgreSQL's defaults and log to the journal"),
        new("logging_collector", "off", Development, "the same"),
        new("log_line_prefix", "%p %q%u ", Development, "the AppHost adds the time"),
        new("log_checkpoints", "off", Development, "they would drown the rest"),
    ];

    /// <summary>The settings of a server process on this machine.</summary>
    /// <param name="server">The server.</param>
    /// <returns>Names and values: those of this server, then those of the table in its order.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>> ForProcess(ProcessServer server) =>
    [
        new("listen_addresses", server.ListenAddress),
        new("port", server.Port.ToString(CultureInfo.InvariantCulture)),

        // For pgBackRest, which connects by socket only.
        new("unix_socket_directories", SocketDirectories(server.SocketDirectory)),
        new("archive_command", server.ArchiveCommand),
        .. Pairs(Of(Process, server.UsesCitus)),
    ];

    /// <summary>The settings of a Citus container.</summary>
    /// <param name="accessRulesFile">The path in the container of the file with the text of <see cref="HbaRules.ForContainer"/>.</param>
    /// <returns>Names and values: the container's own, then those of the table in its order.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>> ForContainer(string accessRulesFile) =>
        [new("listen_addresses", "*"), new("hba_file", accessRulesFile), .. Pairs(Of(Container, usesCitus: true))];

    /// <summary>
    /// The lines to append to postgresql.conf after initdb, each with a line feed. pg_rewind needs them: it lets a crashed server recover without the
    /// settings of its command line.
    /// </summary>
    /// <param name="usesCitus">Whether the server loads Citus.</param>
    public static string AtInitialization(bool usesCitus) => string.Concat(
        Of(Initialization, usesCitus).Select(setting => $"{setting.Name} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'\n"));

    /// <summary>Command-line arguments of <c>postgres</c>: <c>-c</c> and <c>name=value</c> for each setting.</summary>
    /// <param name="settings">The settings.</param>
    public static IReadOnlyList<string> Arguments(IEnumerable<KeyValuePair<string, string>> settings) =>
        [.. settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })];

    /// <summary>
    /// The archive command of a server whose backups pgBackRest makes. Before the first <c>db backup</c> writes the configuration it succeeds at once: there is
    /// no backup yet that the WAL could be applied to.
    /// </summary>
    /// <param name="configuration">The path of pgbackrest.conf.</param>
    /// <param name="stanza">The group that the server belongs to: the name of its home primary.</param>
    public static string ArchiveCommand(string configuration, string stanza) =>
        $"test ! -e {Quoted(configuration)} || pgbackrest --config={Quoted(configuration)} --stanza={stanza} archive-push \"%p\"";

    /// <summary>The settings of the table that apply to a place, in its order.</summary>
    /// <param name="place">A place.</param>
    /// <param name="usesCitus">Whether the server loads Citus.</param>
    internal static IEnumerable<PlacedSetting> Of(ServerPlaces place, bool usesCitus) =>
        All.Where(setting => (setting.Places & place) != None && (usesCitus || !setting.OnlyWithCitus));

    private static IEnumerable<KeyValuePair<string, string>> Pairs(IEnumerable<PlacedSetting> settings) =>
        settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value));

    // A list of folders: in double quotes, or commas and spaces would divide the path.
    private static string SocketDirectories(string folder) =>
        Encoding.UTF8.GetByteCount(folder) <= MaxSocketDirectoryBytes ? $"\"{folder.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : "";

    // For a shell, after PostgreSQL has replaced %p and turned %% into % (PostgreSQL documentation, "Setting Up WAL Archiving").
    private static string Quoted(string path) => $"'{path.Replace("'", @"'\''", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal)}'";
}
