using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Database;

/// <summary>The API's connections, to one host or to the nearest of several that can be written to.</summary>
public sealed class ApiConnections : IDisposable
{
    private readonly NpgsqlMultiHostDataSource? hosts;

    private ApiConnections(NpgsqlDataSource dataSource, NpgsqlMultiHostDataSource? hosts)
    {
        DataSource = dataSource;
        this.hosts = hosts;
    }

    /// <summary>Where statements get their connections from.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>Makes the connections; none is opened yet.</summary>
    /// <param name="connectionString">
    /// A connection string. <c>Host=a:5432,b:5433</c> names several hosts, nearest first: each connection goes to the first that can be
    /// written to, or that is what <c>Target Session Attributes</c> asks for.
    /// </param>
    /// <param name="loggers">The log.</param>
    public static ApiConnections Create(string connectionString, ILoggerFactory? loggers = null)
    {
        var settings = WithDefaults(connectionString);
        if (settings.Host?.Contains(',', StringComparison.Ordinal) is not true)
        {
            return new ApiConnections(new NpgsqlDataSourceBuilder(settings.ConnectionString).UseLoggerFactory(loggers).Build(), hosts: null);
        }

        // What is asked for is not the connections' but the wrapper's that they come from.
        var target = Target(settings.TargetSessionAttributes);
        settings.Remove("Target Session Attributes");
        var hosts = new NpgsqlDataSourceBuilder(settings.ConnectionString).UseLoggerFactory(loggers).BuildMultiHost();
        return new ApiConnections(hosts.WithTargetSession(target), hosts);
    }

    /// <summary>
    /// Learns from a failed statement: where the server has gone, the connections that are idle in the pool go too, so that the next
    /// requests do not find out one by one.
    /// </summary>
    /// <param name="exception">What it failed with.</param>
    public void Learn(Exception exception)
    {
        if (ConnectionLoss.IsLost(exception))
        {
            DataSource.Clear();
        }
        else if (exception is PostgresException)
        {
            // Npgsql takes a host for offline by the SQLSTATE alone (PostgresErrorCodes.IsCriticalFailure), also where the host only
            // reports that one of its workers shuts down (57P01) or was lost in a commit (Citus: XX000): all other restaurants would be
            // without a database until the host is looked at again.
            hosts?.ClearDatabaseStates();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DataSource.Dispose();
        hosts?.Dispose();
    }

    /// <summary>The connection string with what <see cref="DataSourceExtensions.AddNpgsqlDataSource"/> adds where it is silent.</summary>
    internal static NpgsqlConnectionStringBuilder WithDefaults(string connectionString)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);

        // Not ContainsKey, which is true for every keyword that there is.
        var set = given.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        void Default(string keyword, object value)
        {
            if (!set.Contains(keyword))
            {
                given[keyword] = value;
            }
        }

        // Not below 2 with several hosts: asking a host what it is gets the whole seconds that are left of it, and 0 is for ever.
        Default("Timeout", 2);
        Default("Command Timeout", 5);

        // A cancel request that arrives while a commit waits for the synchronous standby ends the wait with a success and a warning
        // ("canceling wait for synchronous replication due to user request", SyncRepWaitForLSN): the order is on one disk only. Npgsql
        // sends that request whatever this says; -1 is for not reading its answer, which would acknowledge the order. It is also what
        // keeps Npgsql from taking a host for offline because of a slow statement (NpgsqlConnector.Break).
        Default("Cancellation Timeout", -1);
        Default("Keepalive", 10);
        Default("Application Name", "dinehub-api");
        Default("Host Recheck Seconds", 2);
        return given;
    }

    private static TargetSessionAttributes Target(string? name) =>
        Enum.Parse<TargetSessionAttributes>((name ?? "read-write").Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
}
