using DineHub.AppHost.Topology;

namespace DineHub.Tests;

/// <summary>The topology of dinehub.json, with local ports that no other cluster has, for clients that all have one address.</summary>
internal static class ReferenceTopology
{
    private static readonly (string Key, string? Value)[] Local =
    [
        ("Local:GatewayPort", "0"),
        ("Local:GatewayTlsPort", "0"),
        .. new[] { "Client", "SignIn", "Orders" }.SelectMany(limit => new (string, string?)[]
        {
            ($"Ingress:RateLimits:{limit}:PerMinute", "1000000"),
            ($"Ingress:RateLimits:{limit}:Burst", "100000"),
        }),
    ];

    public static string File { get; } = Path.Combine(Path.GetDirectoryName(typeof(ClusterTopology).Assembly.Location)!, "dinehub.json");

    public static ClusterTopology Load(params (string Key, string? Value)[] overrides) =>
        TopologyConfiguration.Load(File, Local.Concat(overrides).GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Last().Value));
}
