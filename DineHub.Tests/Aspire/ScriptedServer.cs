using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Local;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;

namespace DineHub.Tests.Aspire;

/// <summary>A PostgreSQL server of this machine that citus-node.sh starts, as the containers of the Aspire application are started.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public const string Password = @"it's:a\test";

    // What the image's entrypoint does at first, and then at every start.
    private const string Entrypoint = """
        if [ ! -e "$PGDATA/PG_VERSION" ]; then
          printf %s "$POSTGRES_PASSWORD" >"$PGDATA.password"
          initdb -D "$PGDATA" -U "$POSTGRES_USER" --auth=scram-sha-256 --pwfile="$PGDATA.password" --encoding=UTF8 --locale=C --no-sync
        fi
        exec postgres -D "$PGDATA" "$@"
        """;

    private readonly string folder;
    private readonly string? group;
    private readonly List<string> output = [];
    private Process? process;

    /// <param name="name">Its name.</param>
    /// <param name="port">Its port.</param>
    /// <param name="folder">The folder of all servers.</param>
    /// <param name="group">The first server of its group; null where it has no standby and is none, and so needs no script.</param>
    public ScriptedServer(string name, int port, string folder, string? group)
    {
        Node = new DatabaseNode(name, "local", LocalNode.Host, port);
        this.folder = folder;
        this.group = group;
    }

    public DatabaseNode Node { get; }

    public ScriptedServer? Peer { get; set; }

    public string DataDirectory => Path.Combine(folder, Node.Name);

    public string Notes => Path.Combine(folder, "notes");

    public bool Runs => process is { HasExited: false };

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

    public static string Source(string file) => Path.Combine(BuildMetadata.Get("DineHub.Root"), "DineHub.AppHost", "Aspire", "Citus", file);

    public async Task StartAsync()
    {
        Runs.ShouldBeFalse();
        var postgres = PostgresInstallation.Find();
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = postgres.BinDirectory + ":" + Environment.GetEnvironmentVariable("PATH"),
            ["LC_ALL"] = "C",
            ["PGDATA"] = DataDirectory,
            ["POSTGRES_USER"] = "postgres",
            ["POSTGRES_PASSWORD"] = Password,
            ["CITUS_NODE"] = Node.Name,
            ["CITUS_GROUP"] = group ?? "",
            ["CITUS_PEER"] = LocalNode.Host,
            ["CITUS_PEER_PORT"] = (Peer?.Node.Port ?? 0).ToString(CultureInfo.InvariantCulture),
            ["CITUS_NOTES"] = Notes,
            ["CITUS_PASSFILE"] = DataDirectory + ".pgpass",
            ["CITUS_FENCE"] = Fence.File,
        };
        string[] command =
        [
            "/bin/sh", "-euc", Entrypoint, "entrypoint",
            "-c", "listen_addresses=127.0.0.1", "-c", $"port={Node.Port}", "-c", "unix_socket_directories=", "-c", "shared_buffers=16MB",
            "-c", "max_prepared_transactions=200", "-c", $"hba_file={Path.Combine(folder, "pg_hba.conf")}", "-c", "wal_retrieve_retry_interval=1s",
        ];
        string[] script = group is null ? [] : ["/bin/sh", Path.Combine(folder, "citus-node.sh")];
        string[] all = [.. script, .. command];
        process = await ProcessLauncher.StartAsync(new ProcessSpec(all[0], all[1..], environment, folder, UnprivilegedUser.Find()));
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public async Task<int> EndedAsync()
    {
        await process!.WaitForExitAsync().OrFailAsync($"{Node.Name} has ended");
        return process.ExitCode;
    }

    public async Task StopAsync(int signal = ProcessLauncher.SigInt)
    {
        if (process is not null)
        {
            ProcessLauncher.SignalTree(process, signal);
            await EndedAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(ProcessLauncher.SigKill);
        process?.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (output)
        {
            output.Add(line.Data ?? "");
        }
    }
}
