using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Topology;

namespace DineHub.AppHost.Databases;

/// <summary>How database servers run here: as processes of the installed PostgreSQL, or as containers. Everything else of the cluster is the same.</summary>
internal interface IServerKind
{
    /// <summary>Whether the servers have the Citus extension.</summary>
    bool UsesCitus { get; }

    /// <summary>Whether <c>db backup</c> can copy the servers' files.</summary>
    bool HasBackups { get; }

    /// <summary>What a person waits for before the first server starts, in one sentence; null where nothing takes long.</summary>
    string? Notice { get; }

    /// <summary>Where other servers reach a server, where that differs from what programs on this machine use; else null.</summary>
    /// <param name="node">The server's node.</param>
    (string Host, int Port)? PeerOf(Node node);

    /// <summary>How servers are stopped, killed and suspended.</summary>
    IProcessControl Control { get; }

    /// <summary>Removes data that servers of this folder have outside it. Called where the folder is new, or is emptied.</summary>
    /// <param name="directory">The cluster's folder.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="PrerequisiteException">The data cannot be removed.</exception>
    Task RemoveDataAsync(ClusterDirectory directory, CancellationToken ct);

    /// <summary>Makes the files and folders that servers need before anything starts, and ends servers of an earlier run that are in their way.</summary>
    /// <param name="layout">The cluster.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="PrerequisiteException">Something is in the way.</exception>
    Task PrepareAsync(ClusterLayout layout, CancellationToken ct);

    /// <summary>Whether a server has data to start from. Known after <see cref="PrepareAsync"/>.</summary>
    /// <param name="server">The server.</param>
    bool HasData(DatabaseServer server);

    /// <summary>Whether a server's data is that of a standby; false where that cannot be found out.</summary>
    /// <param name="server">The server.</param>
    /// <param name="password">The superuser's password.</param>
    /// <param name="ct">Ends the wait.</param>
    Task<bool> IsStandbyAsync(DatabaseServer server, string password, CancellationToken ct);

    /// <summary>What the <c>db</c> verbs need beyond the servers' addresses: where files and programs are.</summary>
    /// <param name="servers">The servers.</param>
    /// <param name="directory">The cluster's folder.</param>
    /// <param name="secrets">The cluster's secrets.</param>
    IEnumerable<KeyValuePair<string, string>> EnvironmentOf(IReadOnlyList<DatabaseServer> servers, ClusterDirectory directory, ClusterSecrets secrets);

    /// <summary>Adds a program that all servers wait for, until it has succeeded.</summary>
    /// <param name="builder">The application.</param>
    /// <returns>The program; null where servers need none.</returns>
    IResourceBuilder<ExecutableResource>? AddPreparation(IDistributedApplicationBuilder builder);

    /// <summary>Adds a server to the application. Each start of it runs <c>db join</c> first, which decides what the server may be.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="layout">The cluster.</param>
    /// <param name="server">The server.</param>
    /// <param name="password">The superuser's password.</param>
    /// <returns>The resource, with an endpoint <c>tcp</c>, under the server's name.</returns>
    IResourceBuilder<IResourceWithWaitSupport> Add(IDistributedApplicationBuilder builder, ClusterLayout layout, DatabaseServer server, ParameterResource password);

    /// <summary>psql with one statement, as the superuser in the database <c>dinehub</c> of a server.</summary>
    /// <param name="server">The server.</param>
    /// <param name="runId">Its process or container, which runs.</param>
    /// <param name="password">The superuser's password.</param>
    /// <param name="sql">The statement.</param>
    CommandLine Psql(DatabaseServer server, string runId, string password, string sql);
}
