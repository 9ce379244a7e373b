using DineHub.Ingress;

namespace DineHub.AppHost.Local;

/// <summary>What all gateways of a cluster are told.</summary>
/// <param name="Policy">How they behave.</param>
/// <param name="Certificate">Their certificate.</param>
/// <param name="MaintenanceFile">The file that puts them into maintenance while it exists.</param>
/// <param name="Backends">Where requests go.</param>
internal sealed record IngressOptions(IngressPolicy Policy, DevelopmentCertificate Certificate, string MaintenanceFile, IReadOnlyList<BackendNode> Backends);
