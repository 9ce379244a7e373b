namespace DineHub.AppHost.Running;

/// <summary>The contents of <c>cluster.json</c> in a data folder while the cluster runs.</summary>
/// <param name="ProcessId">The AppHost's process.</param>
/// <param name="Dashboard">The dashboard's sign-in link; null where there is no dashboard.</param>
/// <param name="Nodes">The nodes.</param>
public sealed record ClusterState(int ProcessId, string? Dashboard, IReadOnlyList<NodeSummary> Nodes);

/// <summary>One node in <c>cluster.json</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">What its process is doing.</param>
/// <param name="ProcessId">Its process; null where there is none.</param>
/// <param name="Address">Where it is reached.</param>
/// <param name="LogFile">The file that its output goes to.</param>
/// <param name="Restarts">How many times it was started again after a crash.</param>
public sealed record NodeSummary(string Name, NodeState State, int? ProcessId, string Address, string LogFile, int Restarts);
