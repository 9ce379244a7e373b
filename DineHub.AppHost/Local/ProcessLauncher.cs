using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DineHub.AppHost.Local;

/// <summary>A program to run.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables beside the few that every process gets.</param>
/// <param name="WorkingDirectory">Where it runs.</param>
/// <param name="User">Whom it runs as, where that is another user.</param>
internal sealed record ProcessSpec(
    string FileName,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string WorkingDirectory,
    UnprivilegedUser? User = null);

/// <summary>
/// Starts processes that die with this one, even when it is killed with -9: on Linux each is started through <c>setpriv
/// --pdeathsig</c> (prctl(2), PR_SET_PDEATHSIG), and through <c>setsid</c>, so that a terminal's Ctrl+C reaches this process alone
/// and the cluster stops in order.
/// </summary>
internal static partial class ProcessLauncher
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    // Linux' numbers; macOS has others.
    public static readonly int SigStop = OperatingSystem.IsLinux() ? 19 : 17;
    public static readonly int SigCont = OperatingSystem.IsLinux() ? 18 : 19;

    private static readonly TimeSpan LastWordsDeadline = TimeSpan.FromSeconds(10);

    private static readonly string[] InheritedVariables =
        ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "DOTNET_ROOT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS"];

    private static readonly BlockingCollection<Action> Requests = StartThread();

    /// <summary>Whether children die with this process. Elsewhere than on Linux they survive a kill -9 of it.</summary>
    public static bool ChildrenDieWithParent { get; } = OperatingSystem.IsLinux() && FindProgram("setpriv") is not null && FindProgram("setsid") is not null;

    /// <summary>Starts a process whose output is redirected.</summary>
    public static Task<Process> StartAsync(ProcessSpec spec)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add(() =>
        {
            try
            {
                started.SetResult(Start(spec));
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    /// <summary>Sends a signal; a process that has gone is none the worse for it.</summary>
    public static void Signal(Process process, int signal)
    {
        if (!process.HasExited)
        {
            _ = Kill(process.Id, signal);
        }
    }

    /// <summary>
    /// Waits until a process that has ended, or was killed, has said its last words. Not for long: a child that has survived it may hold its output
    /// open for ever.
    /// </summary>
    public static async Task LastWordsAsync(Process process)
    {
        using var deadline = new CancellationTokenSource(LastWordsDeadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            // Nothing is left to be done about it.
        }
    }

    /// <summary>Sends a signal to a process and to its children.</summary>
    public static void SignalTree(Process process, int signal)
    {
        Signal(process, signal);
        foreach (var child in ChildrenOf(process.Id))
        {
            _ = Kill(child, signal);
        }
    }

    /// <summary>The full path of a program on PATH; null where there is none.</summary>
    public static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    private static Process Start(ProcessSpec spec)
    {
        string[] prefix = (ChildrenDieWithParent, spec.User) switch
        {
            (true, null) => ["setsid", "setpriv", "--pdeathsig", "KILL", "--"],
            (true, var user) => ["setsid", "setpriv", "--pdeathsig", "KILL", .. user.SetprivArguments, "--"],
            (false, null) => [],
            (false, _) => throw new PrerequisiteException(
                "PostgreSQL does not run as root, and 'setpriv' is not there to run it as another user.",
                "Run as an ordinary user, or install util-linux."),
        };
        string[] command = [.. prefix, spec.FileName, .. spec.Arguments];
        var info = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var argument in command.Skip(1))
        {
            info.ArgumentList.Add(argument);
        }

        // Not what this process happens to have in its environment: an override of the topology, MSBuild's settings.
        var inherited = InheritedVariables.Select(name => (name, Value: Environment.GetEnvironmentVariable(name))).Where(pair => pair.Value is not null).ToList();
        info.Environment.Clear();
        foreach (var (name, value) in inherited)
        {
            info.Environment[name] = value;
        }

        if (spec.User is { } other)
        {
            info.Environment["HOME"] = other.Home;
            info.Environment["USER"] = other.Name;
        }

        foreach (var (name, value) in spec.Environment)
        {
            info.Environment[name] = value;
        }

        var process = Process.Start(info)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>The process that started another; 0 where that has gone.</summary>
    public static int ParentOf(int pid)
    {
        try
        {
            // proc(5): "pid (name) state ppid …", and the name may hold anything.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static List<int> ChildrenOf(int parent) => !Directory.Exists("/proc") ? [] :
        [.. Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
            .Where(pid => pid > 0 && ParentOf(pid) == parent)];

    // The death signal comes when the *thread* that forked ends (prctl(2)), and the pool's threads end when they idle.
    // So one thread, which lives as long as the process, starts them all.
    private static BlockingCollection<Action> StartThread()
    {
        var requests = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var request in requests.GetConsumingEnumerable())
            {
                request();
            }
        })
        { IsBackground = true, Name = "process launcher" }.Start();
        return requests;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
