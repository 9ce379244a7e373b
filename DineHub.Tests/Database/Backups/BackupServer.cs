using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Database.Backups;
using DineHub.Tests.Processes;
using Npgsql;

namespace DineHub.Tests.Database.Backups;

/// <summary>One PostgreSQL server that archives into a repository of its own. Its folder's name needs quoting everywhere.</summary>
internal sealed class BackupServer : IAsyncDisposable
{
    private const string Password = "o'neil \"secret\" 100%";

    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly PostgresInstallation postgres = PostgresInstallation.Find();
    private readonly UnprivilegedUser? user = UnprivilegedUser.Find();
    private readonly NodeLog log;
    private System.Diagnostics.Process? process;

    private BackupServer(int fullBackups)
    {
        Home = Path.Combine(directory.Path, "o'hara 100%");
        Directory.CreateDirectory(Home);
        user?.Own(Home);
        log = new NodeLog(Path.Combine(directory.Path, "log"));
        Secrets = new BackupSecrets("cipher of the tests", Password);
        BackRest = new PgBackRest(
            new PgBackRestConfiguration
            {
                Stanza = "db-worker-1",
                HomeDirectory = Home,
                DataDirectory = DataDirectory,
                SocketDirectory = Home,
                Port = ports.Next(),
                Repository = new DirectoryRepository(Repository),
                FullBackups = fullBackups,
            },
            Secrets,
            TimeProvider.System);
    }

    public string Home { get; }

    public string DataDirectory => Path.Combine(Home, "pgdata");

    public string Repository => Path.Combine(Home, "repository");

    public BackupSecrets Secrets { get; }

    public PgBackRest BackRest { get; }

    public IReadOnlyList<string> Log => log.Last;

    public static async Task<BackupServer> StartNewAsync(int fullBackups = 2)
    {
        var server = new BackupServer(fullBackups);
        try
        {
            await server.InitializeAsync();
            await server.BackRest.PrepareAsync(CancellationToken.None);
            await server.StartAsync();
            await server.BackRest.CreateStanzaAsync(CancellationToken.None);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Re-creates the data directory, as for a cluster that starts over.</summary>
    public async Task InitializeAsync()
    {
        var file = Path.Combine(directory.Path, "password");
        await File.WriteAllTextAsync(file, Password);
        user?.Own(file);
        var spec = Program(
            "initdb", ["-D", DataDirectory, "--username=postgres", "--auth=scram-sha-256", $"--pwfile={file}", "--data-checksums", "--locale=C", "--no-sync"]);
        using var initdb = await ProcessLauncher.StartAsync(spec);
        log.Follow(initdb);
        await initdb.WaitForExitAsync().OrFailAsync("initdb ends", Deadline.Long);
        initdb.ExitCode.ShouldBe(0, string.Join(Environment.NewLine, log.Last));
        File.Delete(file);
    }

    /// <summary>Starts the server and waits until it takes writes.</summary>
    /// <returns>Whether it does; false where it ended.</returns>
    public async Task<bool> TryStartAsync()
    {
        string[] settings =
        [
            "listen_addresses=",
            $"port={BackRest.Configuration.Port}",
            $"unix_socket_directories=\"{Home}\"",
            "archive_mode=on",
            $"archive_command={BackRest.Configuration.ArchiveCommand}",
            "shared_buffers=16MB",
            "fsync=off",
            "log_line_prefix=",
        ];
        process = await ProcessLauncher.StartAsync(Program("postgres", ["-D", DataDirectory, .. settings.SelectMany(setting => new[] { "-c", setting })]));
        log.Follow(process);
        var takesWrites = false;
        await Eventually.TrueAsync(async () => process.HasExited || (takesWrites = await TakesWritesAsync()), "the server takes writes");
        if (!takesWrites)
        {
            await StopAsync();
        }

        return takesWrites;
    }

    public async Task StartAsync() => (await TryStartAsync()).ShouldBeTrue(string.Join(Environment.NewLine, log.Last));

    public async Task StopAsync()
    {
        if (process is not null)
        {
            ProcessLauncher.Signal(process, ProcessSignal.Interrupt);
            await Programs.HasEndedAsync(process);
            process.Dispose();
            process = null;
        }
    }

    /// <summary>Replaces the server's data by what is restored; does not start it.</summary>
    public async Task<RestoredBackup> RestoreAsync(RestoreTarget target)
    {
        await StopAsync();
        Directory.Delete(DataDirectory, recursive: true);
        return await BackRest.RestoreAsync(target, DataDirectory, CancellationToken.None);
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = Home,
            Port = BackRest.Configuration.Port,
            Username = "postgres",
            Password = Password,
            Database = "postgres",
            Pooling = false,
        }.ConnectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Writes a row.</summary>
    /// <returns>A time after its commit and before that of any later row.</returns>
    public async Task<DateTimeOffset> WriteAsync(string row)
    {
        await ScalarAsync<object>("CREATE TABLE IF NOT EXISTS rows (name text); SELECT 1");
        await ScalarAsync<string>("INSERT INTO rows VALUES ($1) RETURNING name", row);
        var time = await ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await Eventually.TrueAsync(async () => await ScalarAsync<DateTime>("SELECT clock_timestamp()") > time, "the clock goes on");
        return time;
    }

    public async Task<string[]> RowsAsync() => await ScalarAsync<string[]>("SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM rows");

    /// <summary>Sees to it that all that was written is in the repository.</summary>
    public async Task ArchiveAsync()
    {
        await using var connection = await OpenAsync();
        await WalArchiver.ArchiveAsync(connection, "db-worker-1", Deadline.Long, CancellationToken.None);
    }

    public async Task<Backup> BackUpAsync(BackupKind kind)
    {
        var backup = await BackRest.BackUpAsync(kind, CancellationToken.None);

        // The list has whole seconds, and a time within the backup's last one could be before its end.
        await Eventually.TrueAsync(() => DateTimeOffset.UtcNow > backup.Stop.AddSeconds(1), "the backup's second is over");
        return backup;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
        }
        finally
        {
            log.Dispose();
            ports.Dispose();
            directory.Dispose();
        }
    }

    private async Task<bool> TakesWritesAsync()
    {
        try
        {
            return await ScalarAsync<bool>("SELECT NOT pg_is_in_recovery()");
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private ProcessSpec Program(string name, IReadOnlyList<string> arguments) => new(
        postgres.Program(name), arguments, new Dictionary<string, string>(Secrets.ServerEnvironment) { ["LC_ALL"] = "C" }, directory.Path, user);
}
