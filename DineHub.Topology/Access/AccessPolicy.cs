namespace DineHub.Topology.Access;

/// <summary>
/// Which role may talk to which, and on which port: the one table behind the mesh policy, the host firewalls and the security groups.
/// </summary>
public static class AccessPolicy
{
    private static readonly Party[] Data = [Party.Coordinator, Party.Worker, Party.Standby];

    private static readonly Party[] Machines =
        [Party.Ingress, Party.Backend, Party.Coordinator, Party.Worker, Party.Standby, Party.Headscale, Party.Monitoring];

    // Headscale is not a node of the mesh that it controls; it hangs on the ingresses by a link of its own.
    private static readonly Party[] MeshNodes = [.. Machines.Except([Party.Headscale])];

    // Where etcd votes: two database machines and the one that has no data.
    private static readonly Party[] Voters = [.. Data, Party.Monitoring];

    private static readonly AccessRule[] Always =
    [
        new(Party.Internet, Party.Ingress, Ports.Http, Transport.Tcp, "redirect to HTTPS, ACME challenges"),
        new(Party.Internet, Party.Ingress, Ports.Https, Transport.Tcp, "customers, kitchens, owners; control traffic of the mesh"),
        .. Machines.Select(to => new AccessRule(Party.Internet, to, Ports.WireGuard, Transport.Udp, "WireGuard, which authenticates by keys")),
        new(Party.Ingress, Party.Backend, Ports.Backend, Transport.Tcp, "requests"),
        new(Party.Ingress, Party.Headscale, Ports.Headscale, Transport.Tcp, "control traffic of the mesh"),
        .. Data.Select(to => new AccessRule(Party.Backend, to, Ports.Postgres, Transport.Tcp, "statements")),
        .. Data.SelectMany(from => Data.Select(to => new AccessRule(from, to, Ports.Postgres, Transport.Tcp, "shards and replication"))),
        .. MeshNodes.Except([Party.Monitoring]).Select(to => new AccessRule(Party.Monitoring, to, Ports.NodeExporter, Transport.Tcp, "metrics of the machine")),
        new(Party.Monitoring, Party.Backend, Ports.Backend, Transport.Tcp, "metrics of the API"),
        new(Party.Monitoring, Party.Ingress, Ports.NginxExporter, Transport.Tcp, "metrics of nginx"),
        .. Data.Select(to => new AccessRule(Party.Monitoring, to, Ports.PostgresExporter, Transport.Tcp, "metrics of PostgreSQL")),
        .. Data.Select(to => new AccessRule(Party.Monitoring, to, Ports.Keeper, Transport.Tcp, "metrics of replication")),
        .. MeshNodes.Select(to => new AccessRule(Party.Operator, to, Ports.Ssh, Transport.Tcp, "deployment")),
        new(Party.Operator, Party.Monitoring, Ports.Prometheus, Transport.Tcp, "queries"),
        new(Party.Operator, Party.Monitoring, Ports.Alertmanager, Transport.Tcp, "silences"),
        new(Party.Operator, Party.Monitoring, Ports.Grafana, Transport.Tcp, "dashboards"),
    ];

    private static readonly AccessRule[] WithVote =
    [
        .. Always,
        .. Data.SelectMany(from => Data.Select(to => new AccessRule(from, to, Ports.Patroni, Transport.Tcp, "Patroni"))),
        .. Data.Select(to => new AccessRule(Party.Monitoring, to, Ports.Patroni, Transport.Tcp, "metrics of Patroni")),
        .. Data.SelectMany(from => Voters.Select(to => new AccessRule(from, to, Ports.EtcdClient, Transport.Tcp, "leases of primaries"))),
        .. Voters.SelectMany(from => Voters.Select(to => new AccessRule(from, to, Ports.EtcdPeer, Transport.Tcp, "votes"))),
    ];

    /// <summary>Every permission of a deployment. Default deny: what is not here is refused.</summary>
    /// <param name="topology">The deployment.</param>
    public static IReadOnlyList<AccessRule> RulesOf(ClusterTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        return topology.Failover == Failover.Vote ? WithVote : Always;
    }

    /// <summary>The party that a role is.</summary>
    /// <param name="role">The role.</param>
    public static Party PartyOf(Role role) => Enum.Parse<Party>(role.ToString());

    /// <summary>Whether one party may open a connection to another.</summary>
    /// <param name="topology">The deployment.</param>
    /// <param name="from">Who opens it.</param>
    /// <param name="to">Who takes it.</param>
    /// <param name="port">The port that it goes to.</param>
    /// <param name="transport">The transport.</param>
    public static bool Allows(ClusterTopology topology, Party from, Party to, int port, Transport transport) =>
        RulesOf(topology).Any(rule => rule.From == from && rule.To == to && rule.Port == port && rule.Transport == transport);
}
