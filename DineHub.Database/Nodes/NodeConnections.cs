using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>Opens one role's connections to the nodes of the cluster, each with deadlines.</summary>
public sealed class NodeConnections
{
    private const int BriefSeconds = 3;

    // As long as nodes wait for each other's, below: on a busy machine, as at the start of a whole cluster, signing in takes seconds.
    private const int ConnectTimeoutSeconds = 10;
    private const int CommandTimeoutSeconds = 120;
    private const int MaxPoolSize = 5;

    private readonly NpgsqlConnectionStringBuilder template;

    private NodeConnections(NpgsqlConnectionStringBuilder template) => this.template = template;

    /// <summary>The role.</summary>
    public string Username => template.Username!;

    /// <summary>The role's password. Secret.</summary>
    public string? Password => template.Password;

    /// <summary>Connects as the superuser of <see cref="DatabaseOptions.AdminConnectionString"/>.</summary>
    /// <param name="options">The cluster.</param>
    /// <exception cref="DatabaseSetupException">There is no such connection string.</exception>
    public static NodeConnections AsAdministrator(DatabaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.AdminConnectionString is { } given
            ? new NodeConnections(WithDeadlines(new NpgsqlConnectionStringBuilder(given)))
            : throw new DatabaseSetupException("Database:AdminConnectionString is required for this.");
    }

    /// <summary>Connects as a role of the cluster.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="role">The role.</param>
    /// <returns>The connections; null where the role's password is not configured.</returns>
    public static NodeConnections? As(DatabaseOptions options, string role)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Passwords.TryGetValue(role, out var password)
            ? new NodeConnections(WithDeadlines(new NpgsqlConnectionStringBuilder(options.AdminConnectionString) { Username = role, Password = password }))
            : null;
    }

    /// <summary>The same with connections that are kept and used again, and with deadlines of seconds: for what asks all the time.</summary>
    public NodeConnections Pooled() => new(new NpgsqlConnectionStringBuilder(template.ConnectionString)
    {
        Pooling = true,
        MaxPoolSize = MaxPoolSize,
        Timeout = BriefSeconds,
        CommandTimeout = BriefSeconds,
        CancellationTimeout = -1,
    });

    /// <summary>Connects to a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="database">The database to connect to.</param>
    /// <param name="ct">Cancels the attempt.</param>
    /// <returns>An open connection; the caller disposes it.</returns>
    /// <exception cref="NpgsqlException">The node does not answer.</exception>
    public async Task<NpgsqlConnection> OpenAsync(DatabaseNode node, string database, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(node);
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(template.ConnectionString) { Host = node.Host, Port = node.Port, Database = database }.ConnectionString);
        try
        {
            await connection.OpenAsync(ct);
            return connection;
        }
        catch
        {
            // What is idle in a pool is as dead.
            NpgsqlConnection.ClearPool(connection);
            await connection.DisposeAsync();
            throw;
        }
    }

    private static NpgsqlConnectionStringBuilder WithDeadlines(NpgsqlConnectionStringBuilder given)
    {
        given.Pooling = false;
        given.Timeout = ConnectTimeoutSeconds;
        given.CommandTimeout = CommandTimeoutSeconds;
        given.KeepAlive = 10;
        given.ApplicationName = "dinehub-db";

        // The servers' own 2 s are for requests. A migration, or the start of a whole cluster on a busy machine, may wait for another node.
        given.Options = $"{given.Options} -c citus.node_connection_timeout=10s".TrimStart();
        return given;
    }
}
