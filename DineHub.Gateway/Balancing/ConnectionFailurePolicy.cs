using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Balancing;

/// <summary>
/// Sends a backend nothing for a while once a connection to it has failed. One failure is enough: a process that is gone fails them
/// all, and the retries would use up their budget.
/// </summary>
/// <param name="health">Keeps the health of the destinations.</param>
internal sealed class ConnectionFailurePolicy(IDestinationHealthUpdater health) : IPassiveHealthCheckPolicy
{
    private static readonly TimeSpan DefaultReactivation = TimeSpan.FromSeconds(5);

    public string Name => "ConnectionFailure";

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (context.GetForwarderErrorFeature() is { Error: var error } && IsBackendFailure(error))
        {
            var pause = cluster.Model.Config.HealthCheck?.Passive?.ReactivationPeriod ?? DefaultReactivation;
            health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, pause);
        }
    }

    /// <summary>Whether the backend, not the client, has failed, before its answer began.</summary>
    public static bool IsBackendFailure(ForwarderError error) =>
        error is ForwarderError.Request or ForwarderError.RequestTimedOut or ForwarderError.RequestBodyDestination;
}
