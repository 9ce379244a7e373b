namespace DineHub.Topology.Access;

/// <summary>One end of a connection: a role, or a party outside the cluster's machines.</summary>
public enum Party
{
    /// <summary>Anybody.</summary>
    Internet,

    /// <summary>An operator's own machine, on the mesh.</summary>
    Operator,

    /// <summary><see cref="Role.Ingress"/>.</summary>
    Ingress,

    /// <summary><see cref="Role.Backend"/>.</summary>
    Backend,

    /// <summary><see cref="Role.Coordinator"/>.</summary>
    Coordinator,

    /// <summary><see cref="Role.Worker"/>.</summary>
    Worker,

    /// <summary><see cref="Role.Standby"/>.</summary>
    Standby,

    /// <summary><see cref="Role.Headscale"/>.</summary>
    Headscale,

    /// <summary><see cref="Role.Monitoring"/>.</summary>
    Monitoring,
}
