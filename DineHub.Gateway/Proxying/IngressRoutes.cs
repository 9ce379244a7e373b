using DineHub.Gateway.Balancing;
using DineHub.Ingress;
using Yarp.ReverseProxy.Configuration;

namespace DineHub.Gateway.Proxying;

/// <summary>The policy in YARP's terms. The destinations are the configuration's.</summary>
internal static class IngressRoutes
{
    public const string Cluster = "backends";

    /// <summary>The key of a route's metadata that names its limit.</summary>
    public const string LimitKey = "Limit";

    public static IReadOnlyList<RouteConfig> All { get; } =
    [
        .. IngressRoute.All.Select((route, i) => new RouteConfig
        {
            RouteId = route.Name,
            ClusterId = Cluster,
            Order = i,
            Match = new RouteMatch { Path = route.Path },
            Metadata = new Dictionary<string, string> { [LimitKey] = route.Limit.ToString() },
        }),
    ];
}
