using Microsoft.Extensions.Diagnostics.HealthChecks;
using Yarp.ReverseProxy;

namespace DineHub.Gateway;

/// <summary>
/// Ready means that the gateway knows backends to send requests to. Not that they are healthy: a gateway that is taken out because
/// all backends fail cannot tell its clients so.
/// </summary>
/// <param name="proxy">The proxy's state.</param>
internal sealed class BackendsHealthCheck(IProxyStateLookup proxy) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var known = proxy.GetClusters().Sum(cluster => cluster.Destinations.Count);
        return Task.FromResult(known > 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("No backend is known."));
    }
}
