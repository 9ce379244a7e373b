using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DineHub.AppHost.Running;

/// <summary>
/// Follows the nodes' resources, starts again what crashes (DCP does not), and stops the cluster layer by layer (DCP stops everything at once).
/// </summary>
/// <param name="nodes">The nodes.</param>
/// <param name="notifications">Aspire's news of resources.</param>
/// <param name="commands">Aspire's commands.</param>
internal sealed class NodeSupervisor(ClusterNodes nodes, ResourceNotificationService notifications, ResourceCommandService commands) : FollowingService
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan EndDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, Run> runs = nodes.All.ToDictionary(node => node.Resource.Name, node => new Run(node));
    private readonly Lock gate = new();
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool stopping;

    /// <summary>Is called for each node whose state has changed, one call at a time.</summary>
    public event Action<ClusterNode>? StateChanged;

    /// <summary>Whether crashed nodes are left as they are: the cluster stops as a whole, or is held down.</summary>
    public bool IsHeld
    {
        get => stopping;
        set => stopping = value;
    }

    /// <summary>Starts a node where it does not run, and waits until it answers.</summary>
    /// <param name="node">The node.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="NodeFailedException">Its process ended, or did not answer within a minute.</exception>
    public async Task StartAsync(ClusterNode node, CancellationToken ct)
    {
        var run = runs[node.Resource.Name];
        if (node.State == NodeState.Stopping)
        {
            await WaitAsync(() => node.State != NodeState.Stopping, ct);
        }

        if (node.State is NodeState.Stopped or NodeState.Crashed)
        {
            IsHeld = false;
            run.Wanted = true;
            run.Failures = 0;
            await LaunchAsync(run, ct);
        }

        await WaitUntilReadyAsync(node, ct);
    }

    /// <summary>Waits until a node answers.</summary>
    /// <param name="node">The node.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="NodeFailedException">Its process ended more often than it may, or did not answer within a minute.</exception>
    public async Task WaitUntilReadyAsync(ClusterNode node, CancellationToken ct)
    {
        var run = runs[node.Resource.Name];
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(ReadyDeadline);
        try
        {
            await WaitAsync(() => node.State == NodeState.Ready || run.Failures >= node.StartAttempts || !run.Wanted || node.Refusal is not null, deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Failure(node, string.Create(CultureInfo.InvariantCulture, $"did not become ready within {ReadyDeadline.TotalSeconds} s."));
        }

        if (node.Refusal is { } refusal)
        {
            throw Failure(node, refusal);
        }

        if (node.State != NodeState.Ready)
        {
            throw Failure(node, run.Wanted ? $"ended with exit code {run.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} before it was ready." : "was stopped.");
        }
    }

    /// <summary>Waits until a process that ends by itself is known to have ended.</summary>
    /// <param name="node">The node.</param>
    /// <param name="runId">The process, or the container.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="NodeFailedException">It was not reported within 30 s.</exception>
    public async Task WaitForEndAsync(ClusterNode node, string runId, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(EndDeadline);
        try
        {
            await WaitAsync(() => node.RunId != runId, deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Failure(node, string.Create(CultureInfo.InvariantCulture, $"did not end within {EndDeadline.TotalSeconds} s: kill it, then start it."));
        }
    }

    /// <summary>Asks a node's process to end, kills it where it has not after some seconds, and leaves it down until it is started again.</summary>
    /// <param name="node">The node.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task StopAsync(ClusterNode node, CancellationToken ct) => EndAsync(node, kill: false, ct);

    /// <summary>Ends a node's process at once (SIGKILL), and leaves it down until it is started again.</summary>
    /// <param name="node">The node.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task KillAsync(ClusterNode node, CancellationToken ct) => EndAsync(node, kill: true, ct);

    /// <summary>Ends a node's process at once, as a crash would: it is started again.</summary>
    /// <param name="node">The node.</param>
    public Task CrashAsync(ClusterNode node) => node.RunId is { } id ? node.Control.KillAsync(id, Ending) : Task.CompletedTask;

    /// <summary>Halts a node's process and its children: connections are accepted, and nothing answers.</summary>
    /// <param name="node">The node.</param>
    public Task SuspendAsync(ClusterNode node) => node.RunId is { } id ? node.Control.SuspendAsync(id, Ending) : Task.CompletedTask;

    /// <summary>Lets a suspended process go on.</summary>
    /// <param name="node">The node.</param>
    public Task ResumeAsync(ClusterNode node) => node.RunId is { } id ? node.Control.ResumeAsync(id, Ending) : Task.CompletedTask;

    /// <summary>Stops all nodes in order: gateways, services, primaries, standbys.</summary>
    /// <param name="ct">Ends the wait.</param>
    public async Task StopAllAsync(CancellationToken ct)
    {
        IsHeld = true;
        await foreach (var layer in nodes.StopOrderAsync(ct))
        {
            await Task.WhenAll(layer.Select(node => StopAsync(node, ct)));
        }
    }

    /// <summary>Starts all nodes that do not run: servers first, then what uses them.</summary>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="NodeFailedException">A node did not become ready.</exception>
    public async Task StartAllAsync(CancellationToken ct)
    {
        IsHeld = false;
        foreach (var layer in nodes.All.Where(node => !node.IsSpare).GroupBy(node => node.Layer).OrderByDescending(layer => layer.Key))
        {
            await Task.WhenAll(layer.Select(node => StartAsync(node, ct)));
        }
    }

    /// <summary>Kills all nodes at once.</summary>
    /// <param name="ct">Ends the wait.</param>
    public Task KillAllAsync(CancellationToken ct)
    {
        IsHeld = true;
        return Task.WhenAll(nodes.All.Select(node => KillAsync(node, ct)));
    }

    /// <summary>Waits until a condition on the nodes' states holds.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task WaitAsync(Func<bool> condition, CancellationToken ct)
    {
        while (true)
        {
            var next = changed.Task;
            if (condition())
            {
                return;
            }

            // Not everything that a condition looks at reports its changes.
            await Task.WhenAny(next, Task.Delay(LookInterval, ct));
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <summary>A failure of a node, with the end of its log.</summary>
    /// <param name="node">The node.</param>
    /// <param name="reason">Why, in one sentence.</param>
    public static NodeFailedException Failure(ClusterNode node, string reason) => new(node.Name, reason, node.Log.Last, node.Log.Path);

    /// <inheritdoc/>
    public override Task StoppingAsync(CancellationToken cancellationToken) => StopAllAsync(cancellationToken);

    private async Task EndAsync(ClusterNode node, bool kill, CancellationToken ct)
    {
        var run = runs[node.Resource.Name];
        run.Wanted = false;
        if (node.RunId is not { } id)
        {
            // One that is being launched has no process yet: it is ended as soon as it has.
            run.EndsAtStart = node.State == NodeState.Starting;
            await WaitAsync(() => !run.EndsAtStart && node.RunId is null, ct);
            Report(node, NodeState.Stopped);
            return;
        }

        if (!kill)
        {
            Report(node, NodeState.Stopping);
            await node.Control.StopAsync(id, ct);
            if (await HasEndedAsync(node, id, StopDeadline, ct))
            {
                return;
            }

            node.Log.Write(string.Create(CultureInfo.InvariantCulture, $"warn: {node.Name} did not stop within {StopDeadline.TotalSeconds} s and is killed"));
        }

        await node.Control.KillAsync(id, ct);
        await HasEndedAsync(node, id, EndDeadline, ct);
    }

    private async Task<bool> HasEndedAsync(ClusterNode node, string id, TimeSpan within, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(within);
        var end = node.Control.WaitForEndAsync(id, deadline.Token);
        try
        {
            while (true)
            {
                var news = changed.Task;

                // DCP reports an end with some delay, which a stop of everything has no need to wait for.
                if (node.RunId != id || (IsHeld && end.IsCompletedSuccessfully))
                {
                    return true;
                }

                await Task.WhenAny(end.IsCompleted ? news : end, news).WaitAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    protected override async Task FollowAsync()
    {
        try
        {
            await foreach (var news in notifications.WatchAsync(Ending))
            {
                if (runs.TryGetValue(news.Resource.Name, out var run))
                {
                    Observe(run, news);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The application has ended.
        }
    }

    private void Observe(Run run, ResourceEvent news)
    {
        var node = run.Node;
        var snapshot = news.Snapshot;
        var state = snapshot.State?.Text;
        var id = Convert.ToString(snapshot.Properties.FirstOrDefault(property => property.Name == node.Control.IdProperty)?.Value, CultureInfo.InvariantCulture);
        node.ResourceId = news.ResourceId;
        if (state == KnownResourceStates.FailedToStart)
        {
            if (run.State != state)
            {
                OnEnded(run, exitCode: null);
            }
        }
        else if (string.IsNullOrEmpty(id) || id == run.EndedId)
        {
            // Nothing has run yet, or this is old news of a run that has ended.
        }
        else if (KnownResourceStates.TerminalStates.Contains(state))
        {
            run.EndedId = id;
            OnEnded(run, snapshot.ExitCode);
        }
        else if (state == KnownResourceStates.Stopping)
        {
            if (run.State != state)
            {
                // Stopped by Aspire, whose SIGTERM makes PostgreSQL wait for its sessions.
                run.Wanted = false;
                Report(node, NodeState.Stopping);
                _ = node.Control.StopAsync(id, Ending);
            }
        }
        else if (state == KnownResourceStates.Running)
        {
            OnRunning(run, id, snapshot.HealthStatus == HealthStatus.Healthy);
        }

        run.State = state;
    }

    private void OnRunning(Run run, string id, bool isHealthy)
    {
        var node = run.Node;
        if (node.RunId != id)
        {
            run.StartedAt = DateTime.UtcNow;
            node.RunId = id;
            node.HasRun = true;
            if (run.EndsAtStart)
            {
                run.EndsAtStart = false;
                Report(node, NodeState.Stopping);
                _ = node.Control.KillAsync(id, Ending);
                return;
            }

            // Started by this class, or by a command of the dashboard.
            run.Wanted = true;
            Report(node, NodeState.Starting);
        }

        if (isHealthy && node.State == NodeState.Starting)
        {
            run.Failures = 0;
            Report(node, NodeState.Ready);
        }
    }

    private void OnEnded(Run run, int? exitCode)
    {
        var node = run.Node;
        run.ExitCode = exitCode;
        run.Failures++;
        node.RunId = null;
        if (!run.Wanted || IsHeld)
        {
            Report(node, NodeState.Stopped);
            return;
        }

        if (DateTime.UtcNow - run.StartedAt > Backoff.StableAfter)
        {
            run.Backoff.Reset();
        }

        Report(node, NodeState.Crashed);
        _ = RestartAsync(run, run.Backoff.Next());
    }

    private async Task RestartAsync(Run run, TimeSpan pause)
    {
        var node = run.Node;
        node.Log.Write(string.Create(CultureInfo.InvariantCulture, $"warn: {node.Name} has ended unexpectedly and is started again in {pause.TotalSeconds:0.0} s"));
        try
        {
            await Task.Delay(pause, Ending);
            if (run.Wanted && !IsHeld && node.State == NodeState.Crashed)
            {
                node.Restarts++;
                await LaunchAsync(run, Ending);
            }
        }
        catch (OperationCanceledException)
        {
            // The application has ended.
        }
    }

    private async Task LaunchAsync(Run run, CancellationToken ct)
    {
        await run.Launching.WaitAsync(ct);
        try
        {
            if (run.Node is { RunId: null, ResourceId: { } id } node && run.Wanted)
            {
                Report(node, NodeState.Starting);
                var result = await commands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, ct);
                if (!result.Success)
                {
                    node.Log.Write($"warn: {node.Name} could not be started: {result.Message}");
                }
            }
        }
        finally
        {
            run.Launching.Release();
        }
    }

    private void Report(ClusterNode node, NodeState state)
    {
        lock (gate)
        {
            node.State = state;
            StateChanged?.Invoke(node);
            var before = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            before.SetResult();
        }
    }

    /// <summary>What is known about the process that a node has or had last.</summary>
    private sealed class Run(ClusterNode node)
    {
        public ClusterNode Node { get; } = node;

        public SemaphoreSlim Launching { get; } = new(1, 1);

        public Backoff Backoff { get; } = new();

        /// <summary>The last state that Aspire reported.</summary>
        public string? State { get; set; }

        /// <summary>The process that has ended last: what is still reported about it is old.</summary>
        public string? EndedId { get; set; }

        public DateTime StartedAt { get; set; }

        public int? ExitCode { get; set; }

        /// <summary>How many times it has ended since it was ready.</summary>
        public int Failures { get; set; }

        /// <summary>Whether it was stopped while it was launched.</summary>
        public bool EndsAtStart { get; set; }

        /// <summary>Whether it is started again when it ends.</summary>
        public bool Wanted { get; set; } = true;
    }
}
