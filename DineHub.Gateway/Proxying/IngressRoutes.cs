using System.Collections.Frozen;
using DineHub.Topology.Ingress;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Proxying;

/// <summary>The policy in YARP's terms. The destinations are the configuration's.</summary>
internal static class IngressRoutes
{
    public const string Cluster = "backends";

    private static readonly FrozenDictionary<string, IngressRoute> ByName = IngressRoute.All.ToFrozenDictionary(route => route.Name);

    public static IReadOnlyList<RouteConfig> All { get; } =
    [
        .. IngressRoute.All.Select((route, i) => new RouteConfig
        {
            RouteId = route.Name,
            ClusterId = Cluster,
            Order = i,
            Match = new RouteMatch { Path = route.Path },
        }),
    ];

    /// <summary>The route that a request takes; null where it takes none.</summary>
    public static IngressRoute? Of(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is { Config.RouteId: var name } ? ByName[name] : null;
}
