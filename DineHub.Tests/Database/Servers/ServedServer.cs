using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Prerequisites;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Tests.Database.Servers;

/// <summary>A PostgreSQL server that is prepared by <c>db join</c> and run by serve.sh, as the AppHost and a container do.</summary>
internal sealed class ServedServer(DatabaseNode node, string directory, IReadOnlyDictionary<string, string> environment) : IAsyncDisposable
{
    public const string Password = "o'neil \\secret\\ 100%";

    private static readonly PostgresInstallation Postgres = PostgresInstallation.Find();

    private readonly List<string> output = [];

    public DatabaseNode Node { get; } = node;

    public string Home { get; } = Path.Combine(directory, node.Name);

    public string DataDirectory => Path.Combine(Home, "pgdata");

    /// <summary>Where <c>db join</c> looks for PostgreSQL's programs.</summary>
    public string BinDirectory { get; init; } = Postgres.BinDirectory;

    public Process? Process { get; private set; }

    public string Output
    {
        get
        {
            lock (output)
            {
                return string.Join('\n', output);
            }
        }
    }

    private static string ApiFile => Path.Combine(AppContext.BaseDirectory, "DineHub.Api.dll");

    /// <summary>The environment of <c>db join</c> for a cluster.</summary>
    public static Dictionary<string, string> EnvironmentOf(DatabaseNode coordinator, DatabaseNode worker, DatabaseNode? standby)
    {
        var environment = new Dictionary<string, string>
        {
            ["Database__AdminConnectionString"] = new NpgsqlConnectionStringBuilder { Username = "postgres", Password = Password }.ConnectionString,
            ["Database__ReplicationPassword"] = "replication of the tests",
            ["Database__CoordinatorName"] = coordinator.Name,
            ["Database__CoordinatorHost"] = coordinator.Host,
            ["Database__CoordinatorPort"] = coordinator.Port.ToString(CultureInfo.InvariantCulture),
            ["Database__Engine"] = "Postgres",
            ["Database__Durability"] = "Local",
        };
        Add("Nodes", worker);
        if (standby is not null)
        {
            Add("Standbys", standby);
            environment["Database__Standbys__0__Follows"] = worker.Name;
        }

        return environment;

        void Add(string section, DatabaseNode node)
        {
            environment[$"Database__{section}__0__Name"] = node.Name;
            environment[$"Database__{section}__0__Host"] = node.Host;
            environment[$"Database__{section}__0__Port"] = node.Port.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Makes the folder around the data, which belongs to PostgreSQL's user.</summary>
    public void MakeHome()
    {
        Directory.CreateDirectory(Home);
        UnprivilegedUser.Find()?.Own(Home);
    }

    /// <summary>Runs <c>db join --initialize</c> to its end.</summary>
    public Task<(int ExitCode, string Output, string Errors)> JoinAsync(params string[] options) => RunAsync(["--initialize", .. options], environment);

    /// <summary>Runs <c>db join</c> to its end.</summary>
    public Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] options, IReadOnlyDictionary<string, string> variables) => Programs.RunAsync(With(
        variables,
        new ProcessStartInfo("dotnet", [ApiFile, "db", "join", "--node", Node.Name, "--data", DataDirectory, "--bin", BinDirectory, .. options])));

    /// <summary>Starts serve.sh.</summary>
    /// <param name="options">More options of <c>db join</c>.</param>
    public void Start(params string[] options)
    {
        Process?.Dispose();
        string[] settings =
        [
            "listen_addresses=127.0.0.1",
            $"port={Node.Port}",
            "unix_socket_directories=",
            "shared_buffers=16MB",
            "fsync=off",
            "wal_retrieve_retry_interval=1s",
        ];
        var start = With(
            environment,
            new ProcessStartInfo(
                "sh",
                [
                    Path.Combine(AppContext.BaseDirectory, "serve.sh"), "dotnet", ApiFile, Node.Name, DataDirectory, BinDirectory,
                    "--setting", "max_prepared_transactions=200", .. options,
                    "--", Postgres.Program("postgres"), "-D", DataDirectory, .. settings.SelectMany(setting => new[] { "-c", setting }),
                ])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        Process = new Process { StartInfo = start };
        Process.OutputDataReceived += (_, line) => Add(line.Data);
        Process.ErrorDataReceived += (_, line) => Add(line.Data);
        Process.Start();
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    public async Task StartedAsync()
    {
        await Eventually.TrueAsync(async () => Process!.HasExited || await AnswersAsync(), $"{Node.Name} answers");
        Process!.HasExited.ShouldBeFalse(Output);
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = Node.Host,
            Port = Node.Port,
            Username = "postgres",
            Password = Password,
            Database = "postgres",
            Pooling = false,
            Timeout = 5,
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

    /// <summary>Sends a signal to the process of serve.sh, which is that of the server later.</summary>
    /// <param name="signal">Its name: <c>INT</c>.</param>
    public async Task SignalAsync(string signal) =>
        await Programs.RunAsync(new ProcessStartInfo("kill", [$"-{signal}", Process!.Id.ToString(CultureInfo.InvariantCulture)]));

    /// <summary>Waits until the process has ended and nothing that it started holds its output open.</summary>
    public Task EndedAsync() => Programs.HasEndedAsync(Process!);

    public async ValueTask DisposeAsync()
    {
        if (Process is { HasExited: false })
        {
            await SignalAsync("INT");
            await EndedAsync();
        }

        Process?.Dispose();
    }

    private static ProcessStartInfo With(IReadOnlyDictionary<string, string> variables, ProcessStartInfo start)
    {
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            lock (output)
            {
                output.Add(line);
            }
        }
    }
}
