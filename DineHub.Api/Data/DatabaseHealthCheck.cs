using DineHub.Database.Connections;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace DineHub.Api.Data;

/// <summary>Healthy while the database answers <c>SELECT 1</c>; after a lost server it also empties the pool.</summary>
/// <param name="connections">The connections.</param>
internal sealed class DatabaseHealthCheck(ApiConnections connections) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await connections.ExecuteAsync("SELECT 1", cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (NpgsqlException e)
        {
            connections.OnFailure(e);
            return new HealthCheckResult(context.Registration.FailureStatus, $"The database does not answer: {FirstLine(e)}");
        }
    }

    private static string FirstLine(NpgsqlException e) => e.Message.Split('\n')[0];
}
