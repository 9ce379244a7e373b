namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Citus cluster. Its coordinator is the container of this name; its workers are resources below it.</summary>
/// <param name="name">The coordinator's name.</param>
/// <param name="databaseName">The database that the extension is created in, and that the nodes are registered in.</param>
/// <param name="password">The superuser's password, the same on every node.</param>
public sealed class CitusClusterResource(string name, string databaseName, ParameterResource password)
    : CitusNodeResource(name), IResourceWithConnectionString
{
    private readonly List<CitusWorkerResource> workers = [];

    /// <inheritdoc/>
    public override CitusClusterResource Cluster => this;

    /// <summary>The database that the extension is created in.</summary>
    public string DatabaseName { get; } = databaseName;

    /// <summary>The superuser's password.</summary>
    public ParameterResource PasswordParameter { get; } = password;

    /// <summary>The workers, in the order in which they were added, spare ones included.</summary>
    public IReadOnlyList<CitusWorkerResource> Workers => workers;

    /// <summary>How the superuser reaches the database on the coordinator.</summary>
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{AdministratorExpression};Database={DatabaseName}");

    internal SemaphoreSlim Registration { get; } = new(1, 1);

    internal void Add(CitusWorkerResource worker) => workers.Add(worker);
}
