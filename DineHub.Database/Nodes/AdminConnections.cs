using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>Opens an administrator's connections to the nodes of the cluster, each with deadlines.</summary>
/// <param name="options">The cluster.</param>
public sealed class AdminConnections(DatabaseOptions options)
{
    private const int ConnectTimeoutSeconds = 5;
    private const int CommandTimeoutSeconds = 120;

    /// <summary>The administrator's credentials.</summary>
    public NpgsqlConnectionStringBuilder Credentials { get; } = new(options.AdminConnectionString);

    /// <summary>Connects to a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="database">The database to connect to.</param>
    /// <param name="ct">Cancels the attempt.</param>
    /// <returns>An open connection, not pooled; the caller disposes it.</returns>
    /// <exception cref="NpgsqlException">The node does not answer.</exception>
    public async Task<NpgsqlConnection> OpenAsync(DatabaseNode node, string database, CancellationToken ct)
    {
        var builder = new NpgsqlConnectionStringBuilder(options.AdminConnectionString)
        {
            Database = database,
            Pooling = false,
            Timeout = ConnectTimeoutSeconds,
            CommandTimeout = CommandTimeoutSeconds,
            KeepAlive = 10,
            ApplicationName = "dinehub-db",
        };
        if (node != options.Coordinator)
        {
            builder.Host = node.Host;
            builder.Port = node.Port;
        }

        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(ct);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
