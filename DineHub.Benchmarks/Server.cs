using System.Diagnostics;
using System.Text;
using DineHub.AppHost.Running;
using DineHub.Tests.Processes;

namespace DineHub.Benchmarks;

/// <summary>A server of the benchmark: it dies with it.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly Process process;

    private Server(Process process, int port)
    {
        this.process = process;
        Port = port;
    }

    /// <summary>The port that it is asked at.</summary>
    public int Port { get; }

    /// <summary>The processor time that it and its workers have used so far.</summary>
    public TimeSpan ProcessorTime => Process.GetProcesses().Aggregate(TimeSpan.Zero, (sum, one) =>
    {
        using (one)
        {
            return one.Id == process.Id || ProcessSignal.ParentOf(one.Id) == process.Id ? sum + one.TotalProcessorTime : sum;
        }
    });

    /// <summary>Starts a server and waits until it listens.</summary>
    /// <exception cref="InvalidOperationException">It has ended, or does not listen within half a minute; the message has what it said.</exception>
    public static async Task<Server> StartAsync(ProcessSpec spec, int port, CancellationToken ct)
    {
        var server = new Server(await ProcessLauncher.StartAsync(spec), port);
        var output = new StringBuilder();
        void Note(object sender, DataReceivedEventArgs line)
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        }

        server.process.OutputDataReceived += Note;
        server.process.ErrorDataReceived += Note;
        server.process.BeginOutputReadLine();
        server.process.BeginErrorReadLine();
        for (var waited = Stopwatch.StartNew(); PortAllocator.IsFree(port); await Task.Delay(50, ct))
        {
            if (server.process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(30))
            {
                await server.DisposeAsync();
                throw new InvalidOperationException($"'{spec.FileName} {string.Join(' ', spec.Arguments)}' does not listen:{Environment.NewLine}{output}");
            }
        }

        return server;
    }

    /// <summary>Starts nginx with a configuration, in a folder of its own.</summary>
    public static async Task<Server> StartNginxAsync(string program, string folder, string configuration, int port, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, configuration, ct);
        return await StartAsync(
            new ProcessSpec(
                program,
                ["-p", folder + "/", "-c", file, "-e", "stderr", "-g", $"daemon off; pid {folder}/nginx.pid;{(Environment.IsPrivilegedProcess ? " user root;" : "")}"],
                new Dictionary<string, string>(),
                folder),
            port,
            ct);
    }

    public async ValueTask DisposeAsync()
    {
        ProcessLauncher.Signal(process, ProcessSignal.Terminate);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
