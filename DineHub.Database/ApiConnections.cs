using Npgsql;

namespace DineHub.Database;

/// <summary>The API's connections, to one host or to the nearest of several that accepts writes.</summary>
/// <param name="dataSource">The data source, with <see cref="ConnectionRules"/> applied.</param>
public sealed class ApiConnections(NpgsqlDataSource dataSource) : IDisposable
{
    /// <summary>The source of the connections.</summary>
    public NpgsqlDataSource DataSource => dataSource;

    /// <summary>
    /// Reacts to a failed statement. After the loss of the server its pooled connections are dead too and are dropped, so that the next
    /// requests do not fail one by one.
    /// </summary>
    /// <param name="exception">The failure.</param>
    public void Learn(Exception exception)
    {
        if (ConnectionLoss.IsLost(exception))
        {
            dataSource.Clear();
        }
        else if (exception is PostgresException)
        {
            // Npgsql takes a host for offline by the SQLSTATE alone (PostgresErrorCodes.IsCriticalFailure), also where the host only
            // reports that one of its workers shuts down (57P01) or was lost in a commit (Citus: XX000): all other restaurants would be
            // without a database until the host is looked at again.
            (dataSource as NpgsqlMultiHostDataSource)?.ClearDatabaseStates();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => dataSource.Dispose();

    /// <summary>Builds a data source as the API's is built; opens no connection.</summary>
    /// <param name="connectionString">The connection string.</param>
    /// <exception cref="ArgumentException">Npgsql does not accept it; see <see cref="ConnectionRules.Problem"/>.</exception>
    internal static ApiConnections Create(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        ConnectionRules.Apply(builder.ConnectionStringBuilder);
        return new ApiConnections(builder.Build());
    }
}
