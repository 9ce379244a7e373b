using DineHub.ServiceDefaults;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Balancing;

/// <summary>
/// Takes a backend of the own region while one is available, of another otherwise; among those the less loaded of two that are
/// drawn at random (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing").
/// </summary>
/// <param name="identity">Whose region is the own one.</param>
internal sealed class NearestRegionPolicy(ServiceIdentity identity) : ILoadBalancingPolicy
{
    public const string RegionKey = "Region";

    public string Name => "NearestRegion";

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        var near = availableDestinations.Where(IsNear).ToList();
        var candidates = near.Count > 0 ? near : availableDestinations;
        switch (candidates.Count)
        {
            case 0:
                return null;
            case 1:
                return candidates[0];
            default:
                var first = Random.Shared.Next(candidates.Count);
                var second = (first + 1 + Random.Shared.Next(candidates.Count - 1)) % candidates.Count;
                return candidates[first].ConcurrentRequestCount <= candidates[second].ConcurrentRequestCount ? candidates[first] : candidates[second];
        }
    }

    private bool IsNear(DestinationState destination) =>
        destination.Model.Config.Metadata is { } metadata && metadata.TryGetValue(RegionKey, out var region) && region == identity.Region;
}
