using System.Runtime.CompilerServices;
using DineHub.Topology.Ingress;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Balancing;

/// <summary>
/// Sends a backend nothing for a while once it has failed a few times in a row of seconds, as nginx' max_fails and fail_timeout do: after the
/// pause one more failure takes it out again, one success forgets the failures.
/// </summary>
/// <param name="health">Keeps the health of the destinations.</param>
/// <param name="policy">How many failures, and for how long.</param>
/// <param name="metrics">Counts ejections.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class FailureEjectionPolicy(
    IDestinationHealthUpdater health, IngressPolicy policy, GatewayMetrics metrics, TimeProvider time, ILogger<FailureEjectionPolicy> logger) : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "FailureEjection";

    private readonly ConditionalWeakTable<DestinationState, Failures> failures = [];
    private readonly TimeSpan pause = TimeSpan.FromSeconds(policy.EjectionSeconds);

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        var error = context.GetForwarderErrorFeature()?.Error ?? ForwarderError.None;
        if (IsBackendFailure(error) || (error == ForwarderError.None && IsBackendFailure(context.Response.StatusCode)))
        {
            if (failures.GetOrCreateValue(destination).Add(time.GetTimestamp(), pause, policy.EjectAfterFailures, time))
            {
                health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, pause);
                metrics.Ejected(destination.DestinationId);
                LogEjection(destination.DestinationId, policy.EjectionSeconds);
            }
        }
        else if (error == ForwarderError.None && failures.TryGetValue(destination, out var known))
        {
            known.Forgive(policy.EjectAfterFailures);
        }
    }

    /// <summary>Whether the backend, not the client, has failed, before its answer began.</summary>
    public static bool IsBackendFailure(ForwarderError error) =>
        error is ForwarderError.Request or ForwarderError.RequestTimedOut or ForwarderError.RequestBodyDestination;

    // Not 503: a backend that answers so lives; it says that it, or a database worker behind it, cannot do this now.
    private static bool IsBackendFailure(int status) => status is StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout;

    [LoggerMessage(1, LogLevel.Warning, "{Destination} failed too many requests and is ejected for {Seconds} s")]
    private partial void LogEjection(string destination, int seconds);

    private sealed class Failures
    {
        private readonly Lock gate = new();
        private int count;
        private long last;

        /// <summary>Whether there are now as many as to take the backend out.</summary>
        public bool Add(long now, TimeSpan window, int most, TimeProvider time)
        {
            lock (gate)
            {
                count = count < most && time.GetElapsedTime(last, now) > window ? 1 : Math.Min(count + 1, most);
                last = now;
                return count == most;
            }
        }

        public void Forgive(int most)
        {
            lock (gate)
            {
                count = count == most ? 0 : count;
            }
        }
    }
}
