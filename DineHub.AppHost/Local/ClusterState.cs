namespace DineHub.AppHost.Local;

/// <summary>What <c>cluster.json</c> of a data folder says while the cluster runs.</summary>
/// <param name="ProcessId">The process that supervises it.</param>
/// <param name="Nodes">Its nodes.</param>
public sealed record ClusterState(int ProcessId, IReadOnlyList<NodeSummary> Nodes);

/// <summary>One node in <c>cluster.json</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">What its process is doing.</param>
/// <param name="ProcessId">Its process; null where there is none.</param>
/// <param name="Address">Where it is reached.</param>
/// <param name="LogFile">The file that its output goes to.</param>
/// <param name="Restarts">How often it was started again after a crash.</param>
public sealed record NodeSummary(string Name, NodeState State, int? ProcessId, string Address, string LogFile, int Restarts);
