namespace DineHub.Topology;

/// <summary>What a machine is for.</summary>
public enum Role
{
    /// <summary>Terminates TLS and balances over the backends: nginx on machines, YARP on a laptop.</summary>
    Ingress,

    /// <summary>A stateless replica of the API.</summary>
    Backend,

    /// <summary>The PostgreSQL server that plans and routes statements to the workers.</summary>
    Coordinator,

    /// <summary>A PostgreSQL server that holds shards.</summary>
    Worker,

    /// <summary>A streaming standby of the coordinator or of a worker, in another region where there is one.</summary>
    Standby,

    /// <summary>The control server of the WireGuard mesh.</summary>
    Headscale,

    /// <summary>Prometheus, Alertmanager and Grafana.</summary>
    Monitoring,
}

/// <summary>The network zone that a role lives in.</summary>
public enum Zone
{
    /// <summary>Reachable from the internet, on ports 80 and 443 only.</summary>
    Public,

    /// <summary>Backends: reachable over the mesh only.</summary>
    Private,

    /// <summary>Database nodes: reachable over the mesh only.</summary>
    Data,

    /// <summary>Headscale and monitoring.</summary>
    Control,
}

/// <summary>One machine of a deployment.</summary>
/// <param name="Name">The stable host name, which is also the MagicDNS label: <c>backend-us-2</c>.</param>
/// <param name="Role">What the machine is for.</param>
/// <param name="Region">The region that it stands in, as its provider names it: <c>us-east-1</c>.</param>
/// <param name="InstanceType">The provider's instance type: <c>t3.medium</c>.</param>
/// <param name="Fqdn">The name that resolves inside the mesh: <c>backend-us-2.mesh.dinehub.example</c>.</param>
/// <param name="Follows">The name of the primary that a standby follows; null for every other role.</param>
public sealed record Node(string Name, Role Role, string Region, string InstanceType, string Fqdn, string? Follows = null)
{
    /// <summary>The network zone that the role lives in.</summary>
    public Zone Zone => Role switch
    {
        Role.Ingress => Zone.Public,
        Role.Backend => Zone.Private,
        Role.Coordinator or Role.Worker or Role.Standby => Zone.Data,
        _ => Zone.Control,
    };
}
