using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace DineHub.AppHost.Aspire;

/// <summary>
/// A node is healthy when it answers over the network and its database has the extension: the image's set-up is over by then. A coordinator or
/// worker that has a standby is healthy when one of the two does so as the primary: who waits for it waits for that.
/// </summary>
/// <param name="node">The node.</param>
internal sealed class CitusHealthCheck(CitusNodeResource node) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = node.Standby is null
                ? await CitusRegistration.OpenAsync(node, cancellationToken)
                : (await CitusRegistration.OpenPrimaryAsync(node, cancellationToken)).Connection;
            await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", connection);
            return await command.ExecuteScalarAsync(cancellationToken) is true
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "The extension citus is not there yet.");
        }
        catch (NpgsqlException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message.Split('\n')[0]);
        }
    }
}
