namespace DineHub.Topology.Access;

/// <summary>Whoever opens or takes a connection: a role, or somebody outside the machines.</summary>
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
