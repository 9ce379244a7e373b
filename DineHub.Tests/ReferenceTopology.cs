using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.Tests;

/// <summary>The topology of dinehub.json, with local ports that no other cluster has, for clients that all have one address.</summary>
internal static class ReferenceTopology
{
    /// <summary>What differs from dinehub.json.</summary>
    public static IReadOnlyList<(string Key, string Value)> Differences { get; } =
    [
        ("Local:GatewayPort", "0"),
        ("Local:GatewayTlsPort", "0"),
        .. new[] { "Client", "SignIn", "Orders" }.SelectMany(limit => new (string, string)[]
        {
            ($"Ingress:RateLimits:{limit}:PerMinute", "1000000"),
            ($"Ingress:RateLimits:{limit}:Burst", "100000"),
        }),
    ];

    public static string File { get; } = Path.Combine(Path.GetDirectoryName(typeof(ClusterTopology).Assembly.Location)!, "dinehub.json");

    public static ClusterTopology Load(params (string Key, string? Value)[] overrides) =>
        TopologyConfiguration.Load(File, Differences.Select(pair => (pair.Key, (string?)pair.Value)).Concat(overrides).GroupBy(pair => pair.Item1).ToDictionary(group => group.Key, group => group.Last().Item2));
}
