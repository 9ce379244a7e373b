namespace DineHub.Database.Nodes;

/// <summary>A PostgreSQL server of the cluster, as the other nodes reach it.</summary>
/// <param name="Name">The node's name in the topology: <c>db-worker-1</c>.</param>
/// <param name="Region">The region that it stands in.</param>
/// <param name="Host">A host name or address.</param>
/// <param name="Port">A TCP port, 1 to 65535.</param>
public sealed record DatabaseNode(string Name, string Region, string Host, int Port);
