using DineHub.AppHost.Topology;

namespace DineHub.Tests;

/// <summary>The topology of dinehub.json, with local ports that no other cluster has.</summary>
internal static class ReferenceTopology
{
    public static string File { get; } = Path.Combine(Path.GetDirectoryName(typeof(ClusterTopology).Assembly.Location)!, "dinehub.json");

    public static ClusterTopology Load(params (string Key, string? Value)[] overrides) =>
        TopologyConfiguration.Load(
            File, overrides.Prepend(("Local:GatewayPort", "0")).GroupBy(pair => pair.Item1).ToDictionary(group => group.Key, group => group.Last().Item2));
}
