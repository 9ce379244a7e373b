using System.Globalization;
using DineHub.AppHost.Topology;
using Npgsql;

namespace DineHub.AppHost.Local;

/// <summary>A PostgreSQL server with a data directory of its own: the coordinator, a worker, or a standby of one.</summary>
public sealed class PostgresNode : LocalNode
{
    // The path of a socket may have 107 bytes (unix(7)), "/.s.PGSQL.20000" included.
    private const int LongestSocketDirectory = 90;

    // Each role from this machine only, with a password, and no further than it must.
    private const string AccessRules = """
        local all          postgres                                                            scram-sha-256
        host  all          postgres                                            127.0.0.1/32    scram-sha-256
        host  dinehub      dinehub_api,dinehub_migrator,dinehub_monitor        127.0.0.1/32    scram-sha-256
        host  dinehub      dinehub_owner,dinehub_replication                   127.0.0.1/32    scram-sha-256
        host  replication  dinehub_replication                                 127.0.0.1/32    scram-sha-256

        """;

    internal PostgresNode(Node node, int port, ClusterContext context)
        : base(node, port, context)
    {
    }

    /// <summary>The other server of its group: its standby, or whom it follows; null where there is none.</summary>
    public PostgresNode? Partner { get; internal set; }

    /// <summary>Whether it has data to start from.</summary>
    internal bool HasData => File.Exists(Path.Combine(DataDirectory, "PG_VERSION"));

    /// <summary>How a superuser reaches it. Secret.</summary>
    /// <param name="database">The database.</param>
    public string AdminConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = LocalNode.Host,
        Port = Port,
        Database = database,
        Username = "postgres",
        Password = Context.Secrets.PostgresPassword,
        Timeout = 5,
    }.ConnectionString;

    private string BackupConfiguration => Path.Combine(Home, "pgbackrest", "pgbackrest.conf");

    // Fast shutdown: sessions are ended, nothing is lost (PostgreSQL documentation, 19.5).
    private protected override int StopSignal => ProcessLauncher.SigInt;

    // After kill -9 the children of the old server hold its shared memory for a moment, and the new one refuses to start.
    private protected override int StartAttempts => 10;

    /// <summary>Its folder, which PostgreSQL's user owns.</summary>
    internal string Home => Context.Directory.NodeDirectory(Name);

    /// <summary>PostgreSQL's data folder.</summary>
    internal string DataDirectory => Path.Combine(Home, "pgdata");

    /// <summary>Whether its data is that of a standby.</summary>
    internal bool IsStandby => File.Exists(Path.Combine(DataDirectory, "standby.signal"));

    private protected override async Task PrepareAsync(CancellationToken ct)
    {
        MakeHome();
        if (!HasData && Node.Follows is null && Partner is not { HasData: true })
        {
            await InitializeAsync(ct);
        }
        else if (Partner is not null)
        {
            // What a database machine does, too, before its server starts.
            await RunToolAsync(
                ClusterContext.DotNet("DineHub.Api", ["db", "join", "--node", Name, "--data", DataDirectory, "--bin", Context.Postgres.BinDirectory], Context.DatabaseEnvironment),
                "'DineHub.Api db join'",
                ct);
        }
    }

    /// <summary>Makes its folder, where it is missing.</summary>
    internal void MakeHome()
    {
        if (!Directory.Exists(Home))
        {
            Directory.CreateDirectory(Home);
            Context.PostgresUser?.Own(Home);
            File.SetUnixFileMode(Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private async Task InitializeAsync(CancellationToken ct)
    {
        // Made beside, and then put in its place: what is there is whole.
        var made = DataDirectory + ".new";
        if (Directory.Exists(made))
        {
            Directory.Delete(made, recursive: true);
        }

        var passwordFile = Path.Combine(Home, "password");
        ClusterDirectory.WriteForOwner(passwordFile, Context.Secrets.PostgresPassword);
        Context.PostgresUser?.Own(passwordFile);
        try
        {
            await RunToolAsync(Program("initdb",
                ["-D", made, "--username=postgres", "--auth=scram-sha-256", $"--pwfile={passwordFile}", "--data-checksums", "--encoding=UTF8", "--locale=C", "--no-sync"]),
                "initdb",
                ct);
        }
        catch (NodeFailedException e) when (e.LastLines.Any(line => line.Contains("No space left", StringComparison.Ordinal)))
        {
            throw ClusterDirectory.DiskFull(Context.Directory.Root, "is full");
        }
        catch (NodeFailedException e) when (e.LastLines.Any(line => line.Contains("Permission denied", StringComparison.Ordinal)))
        {
            throw new PrerequisiteException(
                $"User '{Context.PostgresUser?.Name ?? Environment.UserName}', whom PostgreSQL runs as, cannot reach '{DataDirectory}'.",
                "Choose a folder that it can pass through, such as one below /var/lib: --data DIR.",
                e);
        }
        finally
        {
            File.Delete(passwordFile);
        }

        await File.WriteAllTextAsync(Path.Combine(made, "pg_hba.conf"), AccessRules, ct);

        // What pg_rewind needs too, when it lets a crashed server recover without the settings of its command line.
        await File.AppendAllTextAsync(
            Path.Combine(made, "postgresql.conf"),
            $"\nmax_prepared_transactions = 200\nwal_keep_size = '256MB'\n{(Context.UsesCitus ? "shared_preload_libraries = 'citus'\n" : "")}",
            ct);
        Directory.Move(made, DataDirectory);
    }

    private protected override ProcessSpec Command()
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = LocalNode.Host,
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),

            // For pgBackRest, which connects to no other; in a folder that only the server's user may enter.
            ["unix_socket_directories"] = Home.Length <= LongestSocketDirectory ? $"\"{Home}\"" : "",

            // The first 'db backup' writes the configuration; before it there is nothing that an archive could be applied to.
            ["archive_mode"] = "on",
            ["archive_command"] = $"test ! -e {Quoted(BackupConfiguration)} || pgbackrest --config={Quoted(BackupConfiguration)} --stanza={Node.Follows ?? Name} archive-push \"%p\"",
            ["archive_timeout"] = "60s",
            ["max_connections"] = "200",
            ["shared_buffers"] = "32MB",

            // A standby that has gone is seen within seconds, keeps no more WAL than the disk can hold, and comes back soon.
            ["wal_sender_timeout"] = "5s",
            ["wal_receiver_timeout"] = "5s",
            ["wal_retrieve_retry_interval"] = "1s",
            ["max_slot_wal_keep_size"] = "1GB",
            ["password_encryption"] = "scram-sha-256",
            ["tcp_keepalives_idle"] = "10",
            ["log_destination"] = "stderr",
            ["logging_collector"] = "off",
            ["log_line_prefix"] = "%p %q%u ",
            ["log_checkpoints"] = "off",
        };
        if (Context.UsesCitus)
        {
            // Moving shards while they are written to goes by logical replication.
            settings["wal_level"] = "logical";
        }

        return Program("postgres", ["-D", DataDirectory, .. settings.SelectMany(pair => new[] { "-c", $"{pair.Key}={pair.Value}" })]);
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(AdminConnectionString("postgres") + ";Pooling=false");
            await connection.OpenAsync(ct);
            await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
            return await command.ExecuteScalarAsync(ct) is bool inRecovery && (!inRecovery || IsStandby);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw Failure("refuses the password of this data folder; start over with --fresh.");
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    // For a shell, after PostgreSQL has replaced %p and made one of %% (PostgreSQL documentation, 26.3.1).
    private static string Quoted(string path) => $"'{path.Replace("'", @"'\''", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal)}'";

    private ProcessSpec Program(string name, IReadOnlyList<string> arguments) => new(
        Context.Postgres.Program(name),
        arguments,
        new Dictionary<string, string> { ["LC_ALL"] = "C", ["PGBACKREST_REPO1_CIPHER_PASS"] = Context.Secrets.BackupPassphrase! },
        Home,
        Context.PostgresUser);
}
