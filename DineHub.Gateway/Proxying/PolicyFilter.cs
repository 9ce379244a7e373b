using System.Globalization;
using DineHub.Gateway.Balancing;
using DineHub.Topology.Ingress;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace DineHub.Gateway.Proxying;

/// <summary>Gives the backends' cluster its balancing, health checks and time-outs.</summary>
/// <param name="policy">The policy.</param>
internal sealed class PolicyFilter(IngressPolicy policy) : IProxyConfigFilter
{
    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig origCluster, CancellationToken cancel) => new(origCluster with
    {
        LoadBalancingPolicy = NearestRegionPolicy.PolicyName,
        HealthCheck = new HealthCheckConfig
        {
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Interval = TimeSpan.FromMilliseconds(policy.HealthIntervalMilliseconds),
                Timeout = TimeSpan.FromMilliseconds(policy.HealthTimeoutMilliseconds),
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                Path = "/health/ready",
            },
            Passive = new PassiveHealthCheckConfig { Enabled = true, Policy = FailureEjectionPolicy.PolicyName },
        },
        Metadata = new Dictionary<string, string>
        {
            [ConsecutiveFailuresHealthPolicyOptions.ThresholdMetadataName] = policy.HealthFailures.ToString(CultureInfo.InvariantCulture),
        },
        HttpClient = new HttpClientConfig { RequestHeaderEncoding = "latin1", ResponseHeaderEncoding = "latin1" },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromSeconds(policy.ResponseTimeoutSeconds) },
    });

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) => new(route);
}
