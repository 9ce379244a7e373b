using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace DineHub.AppHost.Running;

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

/// <summary>The order in which nodes stop: a layer after the other, all of one at the same time.</summary>
internal enum StopLayer
{
    /// <summary>Gateways first: they take no more requests.</summary>
    Gateways,

    /// <summary>Backends, and the keeper.</summary>
    Services,

    /// <summary>Database servers; a primary before its standby, to which it sends everything first.</summary>
    Servers,
}

/// <summary>One node of the cluster: a resource of the application, with the state of its process.</summary>
internal sealed class ClusterNode(string name, IResource resource, StopLayer layer, string address, NodeLog log) : IDisposable
{
    /// <summary>Its name in the topology.</summary>
    public string Name { get; } = name;

    /// <summary>Its resource, of the same name.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>When it stops.</summary>
    public StopLayer Layer { get; } = layer;

    /// <summary>Where people reach it.</summary>
    public string Address { get; } = address;

    /// <summary>Its output.</summary>
    public NodeLog Log { get; } = log;

    /// <summary>Whether its data is that of a standby now.</summary>
    public Func<CancellationToken, Task<bool>> IsStandbyAsync { get; set; } = static _ => Task.FromResult(false);

    /// <summary>Why it can't ever become ready as it is, in one sentence; null where it may.</summary>
    public string? Refusal { get; set; }

    /// <summary>How many times it may end before it is ready for the first time, until the start of the cluster has failed.</summary>
    public int StartAttempts { get; set; } = 1;

    /// <summary>Whether it is started by a command only.</summary>
    public bool IsSpare { get; set; }

    /// <summary>How its process is stopped, killed and suspended.</summary>
    public required IProcessControl Control { get; init; }

    /// <summary>What its process is doing.</summary>
    public NodeState State { get; set; }

    /// <summary>Its process's number, or its container's id; null where there is none.</summary>
    public string? RunId { get; set; }

    /// <summary>Its process; null where there is none, and for containers.</summary>
    public int? ProcessId => int.TryParse(RunId, CultureInfo.InvariantCulture, out var pid) ? pid : null;

    /// <summary>Whether it has had a process in this run of the AppHost.</summary>
    public bool HasRun { get; set; }

    /// <summary>How many times it was started again after a crash.</summary>
    public int Restarts { get; set; }

    /// <summary>The instance's name in Aspire's orchestrator; null before it is known.</summary>
    public string? ResourceId { get; set; }

    /// <inheritdoc/>
    public void Dispose() => Log.Dispose();
}
