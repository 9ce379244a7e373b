using System.Diagnostics;
using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>What a node's process is doing.</summary>
public enum NodeState
{
    /// <summary>There is no process, and none is wanted.</summary>
    Stopped,

    /// <summary>The process was started and does not answer yet.</summary>
    Starting,

    /// <summary>The process answers.</summary>
    Ready,

    /// <summary>The process has ended by itself; it is started again after a pause.</summary>
    Crashed,

    /// <summary>The process was asked to end.</summary>
    Stopping,
}

/// <summary>One node of a local cluster: a process that is started, watched, and started again when it crashes.</summary>
public abstract class LocalNode : IAsyncDisposable
{
    /// <summary>Where every node listens, and nowhere else.</summary>
    internal const string Host = "127.0.0.1";

    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // A process that was up for so long has not crashed because of how it starts.
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly ClusterContext context;
    private readonly NodeLog log;
    private CancellationTokenSource supervision = new();
    private Process? process;
    private TimeSpan pause = FirstPause;

    private protected LocalNode(Node node, int port, ClusterContext context)
    {
        Node = node;
        Port = port;
        this.context = context;
        log = context.OpenLog(node.Name);
    }

    /// <summary>The node in the topology.</summary>
    public Node Node { get; }

    /// <summary>The node's name.</summary>
    public string Name => Node.Name;

    /// <summary>The TCP port that it listens on, on 127.0.0.1; the same for as long as the cluster lives.</summary>
    public int Port { get; }

    /// <summary>Where it is reached, for people.</summary>
    public virtual string Address => $"{Host}:{Port}";

    /// <summary>What its process is doing.</summary>
    public NodeState State { get; private set; }

    /// <summary>The process; null where there is none.</summary>
    public int? ProcessId
    {
        get
        {
            try
            {
                return process is { HasExited: false } running ? running.Id : null;
            }
            catch (InvalidOperationException)
            {
                // Its end has been seen, and the object disposed of, meanwhile: others ask while they write the state of all nodes.
                return null;
            }
        }
    }

    /// <summary>How often it was started again after a crash.</summary>
    public int Restarts { get; private set; }

    /// <summary>The file that its output goes to.</summary>
    public string LogFile => log.Path;

    private protected ClusterContext Context => context;

    /// <summary>The signal that asks the process to end in good order.</summary>
    private protected virtual int StopSignal => ProcessLauncher.SigTerm;

    /// <summary>How long it may take to end in good order before it is killed.</summary>
    private protected virtual TimeSpan StopDeadline => TimeSpan.FromSeconds(8);

    /// <summary>How often a start is tried where the process ends before it is ready.</summary>
    private protected virtual int StartAttempts => 1;

    /// <summary>Starts the process where there is none, and waits until it answers.</summary>
    /// <param name="ct">Cancels the wait; the process is stopped then.</param>
    /// <exception cref="NodeFailedException">The process ended, or did not answer within a minute.</exception>
    public async Task StartAsync(CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            if (ProcessId is not null)
            {
                return;
            }

            // A crashed process may be waiting for its next try: this is it.
            await supervision.CancelAsync();
            supervision.Dispose();
            supervision = new CancellationTokenSource();
            await PrepareAsync(ct);
            await LaunchAsync(StartAttempts, ct);
        }
        catch
        {
            await EndAsync(ProcessLauncher.SigKill);
            throw;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Asks the process to end, kills it where it does not in time, and leaves it down until it is started again.</summary>
    public Task StopAsync() => StopAsync(StopSignal);

    /// <summary>Ends the process at once (SIGKILL), as a power failure would, and leaves it down until it is started again.</summary>
    public Task KillAsync() => StopAsync(ProcessLauncher.SigKill);

    /// <summary>Ends the process at once, as a crash would: it is started again by itself.</summary>
    public void Crash()
    {
        if (ProcessId is not null)
        {
            ProcessLauncher.Signal(process!, ProcessLauncher.SigKill);
        }
    }

    /// <summary>Halts the process and its children where they are (SIGSTOP), as a machine that hangs does: connections are accepted, and nobody answers.</summary>
    public void Suspend() => Halt(ProcessLauncher.SigStop);

    /// <summary>Lets a suspended process go on.</summary>
    public void Resume() => Halt(ProcessLauncher.SigCont);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        log.Dispose();
        gate.Dispose();
        supervision.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What must be there before the process can start, also where it is started again after a crash.</summary>
    private protected virtual Task PrepareAsync(CancellationToken ct) => Task.CompletedTask;

    private protected abstract ProcessSpec Command();

    /// <summary>Whether the process answers as it should when it is ready.</summary>
    private protected abstract Task<bool> AnswersAsync(CancellationToken ct);

    private protected NodeFailedException Failure(string reason) => new(Name, reason, log.Last, LogFile);

    /// <summary>Runs a program to its end, its output in this node's log.</summary>
    private protected Task RunToolAsync(ProcessSpec spec, string what, CancellationToken ct) => Tool.RunAsync(Name, what, spec, log, ct);

    private void Halt(int signal)
    {
        if (ProcessId is not null)
        {
            ProcessLauncher.SignalTree(process!, signal);
        }
    }

    private async Task StopAsync(int signal)
    {
        // Outside the gate: a start that is under way shall give up.
        await supervision.CancelAsync();
        await gate.WaitAsync();
        try
        {
            await EndAsync(signal);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task EndAsync(int signal)
    {
        if (process is { HasExited: false } running)
        {
            Report(NodeState.Stopping);

            // Children that are halted would outlive it.
            ProcessLauncher.SignalTree(running, ProcessLauncher.SigCont);
            ProcessLauncher.Signal(running, signal);
            using var deadline = new CancellationTokenSource(StopDeadline);
            try
            {
                await running.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                log.Write($"warn: {Name} did not stop within {StopDeadline.TotalSeconds} s and is killed");
                ProcessLauncher.Signal(running, ProcessLauncher.SigKill);
                await ProcessLauncher.LastWordsAsync(running);
            }
        }

        process?.Dispose();
        process = null;
        if (State != NodeState.Stopped)
        {
            Report(NodeState.Stopped);
        }
    }

    private async Task LaunchAsync(int attempts, CancellationToken ct)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(ct, supervision.Token);
        for (var attempt = 1; ; attempt++)
        {
            Report(NodeState.Starting);
            var started = await ProcessLauncher.StartAsync(Command());
            process = started;
            log.Follow(started);
            try
            {
                await WaitUntilReadyAsync(started, giveUp.Token);
                break;
            }
            catch (NodeFailedException) when (attempt < attempts && started.HasExited)
            {
                await Task.Delay(FirstPause, giveUp.Token);
            }
        }

        Report(NodeState.Ready);
        _ = SuperviseAsync(process, supervision.Token);
    }

    private async Task WaitUntilReadyAsync(Process started, CancellationToken ct)
    {
        var deadline = Stopwatch.StartNew();
        while (!await AnswersAsync(ct))
        {
            if (started.HasExited)
            {
                await ProcessLauncher.LastWordsAsync(started);
                throw Failure($"ended with exit code {started.ExitCode} before it was ready.");
            }

            if (deadline.Elapsed > ReadyDeadline)
            {
                throw Failure($"did not become ready within {ReadyDeadline.TotalSeconds} s.");
            }

            await Task.Delay(ProbeInterval, ct);
        }
    }

    /// <summary>Waits for the end of a process that nobody has asked to end, and starts it again after a growing pause.</summary>
    private async Task SuperviseAsync(Process watched, CancellationToken ct)
    {
        try
        {
            var up = Stopwatch.StartNew();
            await watched.WaitForExitAsync(ct);
            if (up.Elapsed > StableAfter)
            {
                pause = FirstPause;
            }

            while (true)
            {
                Report(NodeState.Crashed);
                log.Write($"warn: {Name} has ended unexpectedly and is started again in {pause.TotalSeconds:0.0} s");
                await Task.Delay(pause, ct);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                await gate.WaitAsync(ct);
                try
                {
                    ct.ThrowIfCancellationRequested();
                    Restarts++;
                    await PrepareAsync(ct);
                    await LaunchAsync(StartAttempts, ct);
                    return;
                }
                catch (NodeFailedException e)
                {
                    log.Write($"warn: {e.Message}");
                    if (process is { HasExited: false } left)
                    {
                        ProcessLauncher.Signal(left, ProcessLauncher.SigKill);
                    }
                }
                finally
                {
                    gate.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped meanwhile.
        }
    }

    private void Report(NodeState state)
    {
        State = state;
        context.Changed(this);
    }
}
