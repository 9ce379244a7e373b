using DineHub.ServiceDefaults;
using DineHub.Topology.Ingress;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Balancing;

/// <summary>
/// Picks the least loaded available backend of the own region, or of another region if there is none; at random among equals.
/// </summary>
/// <param name="identity">Whose region is the own one.</param>
internal sealed class NearestRegionPolicy(ServiceIdentity identity) : ILoadBalancingPolicy
{
    public const string PolicyName = "NearestRegion";

    public string Name => PolicyName;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        DestinationState? best = null;
        var (bestIsNear, bestLoad, equals) = (false, 0, 0);
        for (var i = 0; i < availableDestinations.Count; i++)
        {
            var candidate = availableDestinations[i];
            var (near, load) = (IsNear(candidate), candidate.ConcurrentRequestCount);
            if (best is null || (near && !bestIsNear) || (near == bestIsNear && load < bestLoad))
            {
                (best, bestIsNear, bestLoad, equals) = (candidate, near, load, 1);
            }
            else if (near == bestIsNear && load == bestLoad && Random.Shared.Next(++equals) == 0)
            {
                best = candidate;
            }
        }

        return best;
    }

    private bool IsNear(DestinationState destination) =>
        destination.Model.Config.Metadata is { } metadata && metadata.TryGetValue(GatewaySettings.Region, out var region) && region == identity.Region;
}
