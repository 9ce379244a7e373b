namespace Aspire.Hosting.ApplicationModel;

/// <summary>A container of Citus: the coordinator, or a worker.</summary>
/// <param name="name">The resource's name, which is also the host name that the other containers know it by.</param>
public abstract class CitusNodeResource(string name) : ContainerResource(name)
{
    internal const string PrimaryEndpointName = "tcp";
    internal const int Port = 5432;
    internal const string UserName = "postgres";

    private EndpointReference? endpoint;

    /// <summary>Where PostgreSQL listens.</summary>
    public EndpointReference PrimaryEndpoint => endpoint ??= new EndpointReference(this, PrimaryEndpointName);

    /// <summary>The cluster that it belongs to; the coordinator stands for it.</summary>
    public abstract CitusClusterResource Cluster { get; }

    /// <summary>Its standby; null where it has none, or is one.</summary>
    public CitusStandbyResource? Standby { get; internal set; }

    /// <summary>The servers that hold the same data: this one, and its standby where it has one. Which of them is the primary changes with each promotion.</summary>
    internal IReadOnlyList<CitusNodeResource> Group => Standby is null ? [this] : [this, Standby];

    /// <summary>How its superuser signs in; no database is named.</summary>
    public ReferenceExpression AdministratorExpression => SignIn(UserName, Cluster.PasswordParameter);

    /// <summary>How a role signs in; no database is named.</summary>
    internal ReferenceExpression SignIn(string userName, ParameterResource password) => ReferenceExpression.Create(
        $"Host={PrimaryEndpoint.Property(EndpointProperty.Host)};Port={PrimaryEndpoint.Property(EndpointProperty.Port)};Username={userName};Password={password}");
}
