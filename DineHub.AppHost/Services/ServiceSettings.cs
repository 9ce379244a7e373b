using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Services;

/// <summary>What all replicas of the API share.</summary>
/// <param name="OperatorKey">The operators' key. Secret.</param>
/// <param name="DataProtectionKey">What data-protection keys are encrypted with: 32 bytes in Base64. Secret.</param>
/// <param name="ImagesDirectory">The folder that they keep pictures in.</param>
internal sealed record BackendSettings<T>(T OperatorKey, T DataProtectionKey, string ImagesDirectory);

/// <summary>A backend, or several behind one address, as a gateway sees it.</summary>
/// <param name="Name">The destination's name.</param>
/// <param name="Region">The region that it stands in.</param>
/// <param name="Address">Its URL.</param>
internal sealed record BackendAddress<T>(string Name, string Region, T Address);

/// <summary>What one gateway is told.</summary>
/// <param name="ManagementPort">The port that it tells health and metrics at, as the process itself has it.</param>
/// <param name="MaintenanceFile">The file that puts it into maintenance while it exists.</param>
/// <param name="Backends">Where requests go.</param>
internal sealed record GatewaySettings<T>(T ManagementPort, string MaintenanceFile, IReadOnlyList<BackendAddress<T>> Backends);

/// <summary>A PostgreSQL server.</summary>
/// <param name="Node">The node that it is.</param>
/// <param name="Host">The host that the <c>db</c> verbs reach it by.</param>
/// <param name="Port">The TCP port that they reach it by.</param>
/// <param name="Peer">Where the other servers reach it; null where that is the same.</param>
internal sealed record DatabaseServer<T>(Node Node, T Host, T Port, (string Host, int Port)? Peer = null);

/// <summary>A cluster of PostgreSQL servers. Where one has no standby there is none to wait for: durability is Local then.</summary>
/// <param name="Coordinator">The coordinator.</param>
/// <param name="Workers">The workers, in the order of the topology.</param>
/// <param name="Standbys">The standbys, at most one for each of the others.</param>
/// <param name="Engine"><c>Auto</c>, <c>Citus</c> or <c>Postgres</c>.</param>
/// <param name="ReplicationPassword">The password of the role that standbys stream as. Secret.</param>
internal sealed record DatabaseSettings<T>(
    DatabaseServer<T> Coordinator, IReadOnlyList<DatabaseServer<T>> Workers, IReadOnlyList<DatabaseServer<T>> Standbys, string Engine, T ReplicationPassword);

/// <summary>How the <c>db</c> verbs sign in, and the passwords that they give to roles. Secret.</summary>
/// <param name="AdminConnectionString">The superuser's connection string.</param>
/// <param name="Api">The password of the API's role.</param>
/// <param name="Migrator">The password of the role that migrates.</param>
/// <param name="Monitor">The password of the role that reads statistics.</param>
internal sealed record DatabasePasswords<T>(T AdminConnectionString, T Api, T Migrator, T Monitor);
