using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>What all gateways of a cluster are told.</summary>
/// <param name="Topology">The topology, which says how they behave.</param>
/// <param name="Certificate">Their certificate.</param>
/// <param name="MaintenanceFile">The file that puts them into maintenance while it exists.</param>
/// <param name="Backends">Where requests go.</param>
internal sealed record IngressOptions(ClusterTopology Topology, DevelopmentCertificate Certificate, string MaintenanceFile, IReadOnlyList<BackendNode> Backends);
