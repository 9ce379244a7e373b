using System.Globalization;
using DineHub.AppHost.Topology;
using Npgsql;

namespace DineHub.AppHost.Local;

/// <summary>A PostgreSQL server with a data directory of its own: the coordinator or a worker.</summary>
public sealed class PostgresNode : LocalNode
{
    private const string Initialized = "initialized";

    internal PostgresNode(Node node, int port, ClusterContext context)
        : base(node, port, context)
    {
    }

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

    // Fast shutdown: sessions are ended, nothing is lost (PostgreSQL documentation, 19.5).
    private protected override int StopSignal => ProcessLauncher.SigInt;

    // After kill -9 the children of the old server hold its shared memory for a moment, and the new one refuses to start.
    private protected override int StartAttempts => 10;

    private string Home => Context.Directory.NodeDirectory(Name);

    private string DataDirectory => Path.Combine(Home, "pgdata");

    private protected override async Task PrepareAsync(CancellationToken ct)
    {
        var marker = Path.Combine(Home, Initialized);
        if (File.Exists(marker))
        {
            return;
        }

        // Also where an earlier run was interrupted half-way.
        if (Directory.Exists(Home))
        {
            Directory.Delete(Home, recursive: true);
        }

        Directory.CreateDirectory(Home);
        Context.PostgresUser?.Own(Home);
        File.SetUnixFileMode(Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var passwordFile = Path.Combine(Home, "password");
        ClusterDirectory.WriteForOwner(passwordFile, Context.Secrets.PostgresPassword);
        Context.PostgresUser?.Own(passwordFile);
        try
        {
            await RunToolAsync(Program("initdb",
                ["-D", DataDirectory, "--username=postgres", "--auth=scram-sha-256", $"--pwfile={passwordFile}", "--data-checksums", "--encoding=UTF8", "--locale=C", "--no-sync"]),
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

        await File.WriteAllTextAsync(marker, "", ct);
    }

    private protected override ProcessSpec Command()
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = LocalNode.Host,
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = "",
            ["max_connections"] = "200",
            ["shared_buffers"] = "32MB",
            ["max_prepared_transactions"] = "200",
            ["password_encryption"] = "scram-sha-256",
            ["tcp_keepalives_idle"] = "10",
            ["log_destination"] = "stderr",
            ["logging_collector"] = "off",
            ["log_line_prefix"] = "%p %q%u ",
            ["log_checkpoints"] = "off",
        };
        if (Context.Postgres.HasCitus)
        {
            settings["shared_preload_libraries"] = "citus";

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
            await using var command = new NpgsqlCommand("SELECT NOT pg_is_in_recovery()", connection);
            return await command.ExecuteScalarAsync(ct) is true;
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

    private ProcessSpec Program(string name, IReadOnlyList<string> arguments) =>
        new(Context.Postgres.Program(name), arguments, new Dictionary<string, string> { ["LC_ALL"] = "C" }, Home, Context.PostgresUser);
}
