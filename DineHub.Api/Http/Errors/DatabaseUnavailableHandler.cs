using DineHub.Database.Connections;
using DineHub.Database.Engines;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace DineHub.Api.Http.Errors;

/// <summary>
/// Turns a database that does not answer into 503 with Retry-After: the restaurants of a lost worker, or all while the coordinator is
/// away. Whether a write took place may be unknown then; the same request with the same Idempotency-Key finds out.
/// </summary>
/// <param name="problems">Writes problem+json.</param>
/// <param name="connections">The connections.</param>
/// <param name="logger">The log.</param>
internal sealed partial class DatabaseUnavailableHandler(
    IProblemDetailsService problems, ApiConnections connections, ILogger<DatabaseUnavailableHandler> logger) : IExceptionHandler
{
    private const string RetryAfterSeconds = "2";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (!IsUnavailable(exception))
        {
            return false;
        }

        connections.OnFailure(exception);
        LogUnavailable(httpContext.Request.Method, httpContext.Request.Path, (exception as PostgresException)?.SqlState, exception.Message.Split('\n')[0]);
        httpContext.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
        return await problems.TryWriteAsync(new()
        {
            HttpContext = httpContext,
            ProblemDetails = { Status = StatusCodes.Status503ServiceUnavailable, Title = "The database that holds this does not answer. Try again." },
        });
    }

    /// <summary>
    /// Connection lost or refused, out of resources, shutting down, retries used up (all of which Npgsql calls transient), no host that
    /// can be written to, a statement cancelled by its deadline (57014), a server that has become a standby (25006), and what Citus reports of lost
    /// nodes and locks without an SQLSTATE of its own.
    /// </summary>
    internal static bool IsUnavailable(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction } => true,
        PostgresException { SqlState: PostgresErrorCodes.InternalError } error => CitusErrors.MeaningOf(error) is not null || IsOfChangedTable(error),
        NpgsqlException lost when ConnectionLoss.IsUnreachable(lost) => true,

        // postgres_fdw reports a worker that it cannot reach as 08001, one that it loses as 08006.
        PostgresException { SqlState: ['0', '8', ..] } => true,
        _ => false,
    };

    // PostgreSQL's own XX000: the table was replaced between the statement's plan and its lock, as a migration does on the stock engine.
    private static bool IsOfChangedTable(PostgresException error) =>
        error.MessageText.StartsWith("could not open relation with OID ", StringComparison.Ordinal)
        || error.MessageText.StartsWith("cache lookup failed for relation ", StringComparison.Ordinal);

    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path}: the database does not answer (SQLSTATE {SqlState}): {Reason}")]
    private partial void LogUnavailable(string method, string path, string? sqlState, string reason);
}
