using System.Collections.Concurrent;
using System.Diagnostics;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;

namespace DineHub.Tests.Processes;

/// <summary>A program to run.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables beside the few that every process gets.</param>
/// <param name="WorkingDirectory">Where it runs.</param>
/// <param name="User">The user that it runs as, where that is another one.</param>
internal sealed record ProcessSpec(
    string FileName,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string WorkingDirectory,
    UnprivilegedUser? User = null);

/// <summary>
/// Starts programs of tests and benchmarks that die with this process, even when it is killed with -9: on Linux through <c>setpriv --pdeathsig</c>
/// (prctl(2), PR_SET_PDEATHSIG) and <c>setsid</c>.
/// </summary>
internal static class ProcessLauncher
{
    private static readonly string[] InheritedVariables = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "DOTNET_ROOT"];

    private static readonly BlockingCollection<Action> Requests = StartThread();

    /// <summary>Whether children die with this process.</summary>
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

    /// <summary>Sends a signal; a process that has ended is ignored.</summary>
    public static void Signal(Process process, int signal)
    {
        if (!process.HasExited)
        {
            ProcessSignal.Send(process.Id, signal);
        }
    }

    /// <summary>The full path of a program on PATH; null where there is none.</summary>
    public static string? FindProgram(string name) => LocalMachine.Current.FindProgram(name);

    /// <summary>Writes the output of a process to a log, from now until its end.</summary>
    public static void Follow(this NodeLog log, Process process)
    {
        void Write(object sender, DataReceivedEventArgs line)
        {
            if (line.Data is { Length: > 0 } text)
            {
                log.Write(text);
            }
        }

        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private static Process Start(ProcessSpec spec)
    {
        string[] prefix = (ChildrenDieWithParent, spec.User) switch
        {
            (true, null) => ["setsid", "setpriv", "--pdeathsig", "KILL", "--"],
            (true, var user) => ["setsid", "setpriv", "--pdeathsig", "KILL", .. user.SetprivArguments, "--"],
            (false, null) => [],
            (false, var user) => ["setpriv", .. user.SetprivArguments, "--"],
        };
        string[] command = [.. prefix, spec.FileName, .. spec.Arguments];
        var info = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
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
}
