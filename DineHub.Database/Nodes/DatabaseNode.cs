namespace DineHub.Database.Nodes;

/// <summary>Where the other nodes reach a server, where that is not where this process does: containers have names among themselves.</summary>
/// <param name="Host">A host name or address.</param>
/// <param name="Port">A TCP port, 1 to 65535.</param>
public sealed record PeerAddress(string Host, int Port);

/// <summary>A PostgreSQL server of the cluster.</summary>
/// <param name="Name">The node's name in the topology: <c>db-worker-1</c>.</param>
/// <param name="Region">The region that it stands in.</param>
/// <param name="Host">A host name or address.</param>
/// <param name="Port">A TCP port, 1 to 65535.</param>
/// <param name="Peer">Where the other nodes reach it; null where that is the same.</param>
public sealed record DatabaseNode(string Name, string Region, string Host, int Port, PeerAddress? Peer = null)
{
    /// <summary>The host that the other nodes reach it by.</summary>
    public string PeerHost => Peer?.Host ?? Host;

    /// <summary>The TCP port that the other nodes reach it by.</summary>
    public int PeerPort => Peer?.Port ?? Port;
}

/// <summary>A server that follows another one by streaming replication.</summary>
/// <param name="Node">The server.</param>
/// <param name="Follows">The name of the coordinator or worker whose group it belongs to.</param>
public sealed record StandbyNode(DatabaseNode Node, string Follows);

/// <summary>
/// The servers that hold the same data: one is the primary, the other its standby. Which one is which changes with each promotion; the
/// group keeps its name, that of the server that was the first primary.
/// </summary>
/// <param name="Home">The coordinator or worker of the topology.</param>
/// <param name="Standby">Its standby in the topology; null where there is none.</param>
public sealed record DatabaseGroup(DatabaseNode Home, DatabaseNode? Standby)
{
    /// <summary>The group's name: <c>db-worker-1</c>.</summary>
    public string Name => Home.Name;

    /// <summary>The servers of the group.</summary>
    public IReadOnlyList<DatabaseNode> Members { get; } = Standby is null ? [Home] : [Home, Standby];

    /// <summary>The other server of the group; null where there is none.</summary>
    /// <param name="name">A member's name.</param>
    public DatabaseNode? PartnerOf(string name) => Members.FirstOrDefault(member => member.Name != name);
}
