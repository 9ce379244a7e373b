using System.Net.Sockets;
using DineHub.Database.Engines;
using Npgsql;

namespace DineHub.Database.Connections;

/// <summary>
/// Tells a server that has gone from one that is slow. After the first, what is idle in the pool is as dead; after the second, new
/// connections are the last thing that it needs.
/// </summary>
public static class ConnectionLoss
{
    private const string Fatal = "FATAL";

    /// <summary>Whether the server of this process's own connection has gone: refused, reset, ended, restarting.</summary>
    /// <param name="exception">What a statement, or opening a connection, failed with.</param>
    /// <returns>
    /// False for all time-outs: of a statement, of waiting for the pool, and also of connecting, which is how a host looks that has
    /// vanished: a connection is only opened when none is idle, so that there is nothing to clear. False too for what a server reports
    /// of another (a worker's 57P01 arrives as ERROR, one's own as FATAL; see also <see cref="CitusErrors"/>), and with several hosts where not all are lost.
    /// </returns>
    public static bool IsLost(Exception exception) => exception switch
    {
        // 57P03: it is starting or stopping, or recovers from a crash; connections from before do not outlive that.
        PostgresException { InvariantSeverity: Fatal } server =>
            server.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow,

        // It takes no writes any more: it has become somebody's standby.
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => true,
        PostgresException => false,
        NpgsqlException { InnerException: { } inner } => IsLost(inner),
        AggregateException { InnerExceptions: { Count: > 0 } hosts } => hosts.All(IsLost),
        SocketException or IOException => true,
        _ => false,
    };

    /// <summary>
    /// Whether no host could be connected to: with one host what Npgsql calls transient, with several also its two exceptions that it
    /// does not call so (NpgsqlMultiHostDataSource.NoSuitableHostsException of Npgsql 10).
    /// </summary>
    /// <param name="exception">What a statement, or opening a connection, failed with.</param>
    public static bool IsUnreachable(NpgsqlException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception switch
        {
            { IsTransient: true } => true,
            PostgresException => false,
            { InnerException: AggregateException { InnerExceptions: var hosts } } =>
                hosts.Any(host => host is TimeoutException or IOException or SocketException or NpgsqlException { IsTransient: true }),

            // All are known to be offline, or none is what the target session attributes ask for: no host was tried.
            { InnerException: null } => exception.Message.StartsWith("No suitable host", StringComparison.Ordinal),
            _ => false,
        };
    }
}
