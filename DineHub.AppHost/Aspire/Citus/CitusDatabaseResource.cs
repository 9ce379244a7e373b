namespace Aspire.Hosting.ApplicationModel;

/// <summary>The database of a Citus cluster as one role sees it; the resource's name is the connection's.</summary>
/// <param name="name">The connection's name: what refers to it gets <c>ConnectionStrings__{name}</c>.</param>
/// <param name="parent">The cluster.</param>
/// <param name="userName">The role, which somebody has made: a migration, for instance.</param>
/// <param name="password">The role's password.</param>
/// <param name="maxPoolSize">How many connections each process may keep.</param>
public sealed class CitusDatabaseResource(string name, CitusClusterResource parent, string userName, ParameterResource password, int maxPoolSize)
    : Resource(name), IResourceWithParent<CitusClusterResource>, IResourceWithConnectionString
{
    /// <inheritdoc/>
    public CitusClusterResource Parent { get; } = parent;

    /// <summary>The role.</summary>
    public string UserName { get; } = userName;

    /// <summary>The role's password.</summary>
    public ParameterResource PasswordParameter { get; } = password;

    /// <summary>How the role reaches the database on the coordinator; with a standby, on whichever of the two can be written to.</summary>
    public ReferenceExpression ConnectionStringExpression
    {
        get
        {
            var most = maxPoolSize.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return Parent.Standby is { } standby
                ? ReferenceExpression.Create(
                    $"Host={Parent.PrimaryEndpoint.Property(EndpointProperty.HostAndPort)},{standby.PrimaryEndpoint.Property(EndpointProperty.HostAndPort)};Username={UserName};Password={PasswordParameter};Database={Parent.DatabaseName};Maximum Pool Size={most}")
                : ReferenceExpression.Create($"{Parent.SignIn(UserName, PasswordParameter)};Database={Parent.DatabaseName};Maximum Pool Size={most}");
        }
    }
}
