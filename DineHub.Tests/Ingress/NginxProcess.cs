using System.Diagnostics;
using DineHub.AppHost.Running;
using DineHub.Tests.Processes;

namespace DineHub.Tests.Ingress;

/// <summary>A real nginx with a configuration of its own.</summary>
internal sealed class NginxProcess : IAsyncDisposable
{
    private const string Program = "nginx";
    private const string Package = "nginx-light";

    // What the systemd unit sends: nginx' word for an end in good order. SIGTERM ends it at once.
    private const int SigQuit = 3;
    private const int SigHup = 1;

    private readonly string directory;
    private readonly Process process;
    private readonly NodeLog log;

    private NginxProcess(string directory, Process process, NodeLog log)
    {
        (this.directory, this.process, this.log) = (directory, process, log);
        log.Follow(process);
    }

    /// <summary>Where it is; null where it is not installed. Debian puts it where only root looks.</summary>
    public static string? Path { get; } = ProcessLauncher.FindProgram(Program) ?? (File.Exists("/usr/sbin/" + Program) ? "/usr/sbin/" + Program : null);

    /// <summary>What to do about it where it is not installed; null where it is.</summary>
    public static string? Missing => Path is null ? $"{Program} is not installed: apt-get install {Package}" : null;

    public bool HasExited => process.HasExited;

    /// <summary>The version that is installed.</summary>
    public static async Task<Version> InstalledVersionAsync()
    {
        var (_, output) = await RunAsync(["-v"]);
        return Version.Parse(output.Trim().Split('/')[1].Split(' ')[0]);
    }

    /// <summary>What <c>nginx -t</c> says of a text; nothing where it has nothing to complain of.</summary>
    public static async Task<string> CheckAsync(string text)
    {
        using var directory = new TemporaryDirectory();
        var file = System.IO.Path.Combine(directory.Path, "nginx.conf");
        await File.WriteAllTextAsync(file, text);
        var (exitCode, output) = await RunAsync(["-t", "-p", directory.Path + "/", "-c", file, "-e", "stderr", "-g", $"pid {directory.Path}/nginx.pid;"]);
        var complaints = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.EndsWith("syntax is ok", StringComparison.Ordinal) && !line.EndsWith("test is successful", StringComparison.Ordinal));
        var said = string.Join('\n', complaints);
        return exitCode == 0 || said.Length > 0 ? said : $"It ended with {exitCode}.";
    }

    /// <summary>The words that start it, in the foreground.</summary>
    /// <param name="directory">Its folder, with its configuration <c>nginx.conf</c>; what it says goes to <c>nginx-error.log</c> there.</param>
    public static string[] Command(string directory)
    {
        // As root, nginx would run its workers as an unprivileged user; they must read and write the test's files.
        var user = Environment.IsPrivilegedProcess ? "user root; " : "";
        return
        [
            Path!, "-p", directory + "/", "-c", System.IO.Path.Combine(directory, "nginx.conf"), "-e", ErrorLog(directory),
            "-g", $"daemon off; {user}pid {directory}/nginx.pid;",
        ];
    }

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="directory">Where its files are put.</param>
    /// <param name="text">Its configuration.</param>
    /// <param name="port">A port of 127.0.0.1 that it listens on.</param>
    public static async Task<NginxProcess> StartAsync(string directory, string text, int port)
    {
        await File.WriteAllTextAsync(System.IO.Path.Combine(directory, "nginx.conf"), text);

        // Where the tests are killed, it is told to end: killed as well, it would leave its workers behind.
        string[] command = [.. ProcessLauncher.ChildrenDieWithParent ? ["setpriv", "--pdeathsig", "TERM", "--"] : Array.Empty<string>(), .. Command(directory)];
        var nginx = new NginxProcess(
            directory,
            await ProcessLauncher.StartAsync(new ProcessSpec(command[0], command[1..], new Dictionary<string, string>(), directory)),
            new NodeLog(System.IO.Path.Combine(directory, "nginx-output.log")));
        try
        {
            await Eventually.TrueAsync(
                () =>
                {
                    nginx.HasExited.ShouldBeFalse(File.Exists(ErrorLog(directory)) ? File.ReadAllText(ErrorLog(directory)) : string.Join('\n', nginx.log.Last));
                    return !PortAllocator.IsFree(port);
                },
                "nginx listens");
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    /// <summary>Tells it to go on with another configuration (SIGHUP): new workers take what comes, those that there are end what they have.</summary>
    public async Task ReloadAsync(string text)
    {
        await File.WriteAllTextAsync(System.IO.Path.Combine(directory, "nginx.conf"), text);
        ProcessLauncher.Signal(process, SigHup);
    }

    /// <summary>Tells it to stop listening and to end when its requests have (SIGQUIT).</summary>
    public void BeginStop() => ProcessLauncher.Signal(process, SigQuit);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // At once, with its workers: without their master they would stay.
        ProcessLauncher.Signal(process, ProcessSignal.Terminate);
        await Programs.HasEndedAsync(process);
        process.Dispose();
        log.Dispose();
    }

    private static string ErrorLog(string directory) => System.IO.Path.Combine(directory, "nginx-error.log");

    private static async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(new ProcessStartInfo(Path!, arguments));
        return (exitCode, output + errors);
    }
}
