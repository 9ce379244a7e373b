using DineHub.Topology;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Publishing;

/// <summary>Deployments that are published in tests.</summary>
internal static class Topologies
{
    /// <summary>The reference deployment, which is committed in <c>nix/</c>.</summary>
    public static ClusterTopology Reference { get; } = TopologyConfiguration.Load(ReferenceTopology.File, []);

    /// <summary>The least that there can be.</summary>
    public static ClusterTopology OneRegion { get; } = Read(
        ("Name", "bistro"),
        ("Domain", "bistro.example"),
        ("Regions:0:Name", "eu-central-1"),
        ("Regions:0:Backends", "1"),
        ("Database:Workers:0:Region", "eu-central-1"),
        ("Database:Standbys", "false"),
        ("InstanceTypes:Backend", "t4g.medium"),
        ("InstanceTypes:Worker", "i4i.large"),
        ("NodeOptions:backend-eu-1:services.openssh.settings.LogLevel", "VERBOSE"),
        ("NodeOptions:backend-eu-1:boot.kernel.sysctl:net.ipv4.ip_forward", "0"));

    /// <summary>Three sites that vote, with two ingresses each, one of them waiting.</summary>
    public static ClusterTopology Voting { get; } = Read(
        ("Domain", "dinehub.example"),
        ("Regions:0:Name", "eu-west-1"),
        ("Regions:0:Ingresses", "2"),
        ("Regions:1:Name", "us-east-1"),
        ("Regions:1:Ingresses", "2"),
        ("Regions:2:Name", "ap-south-1"),
        ("Regions:2:Ingresses", "2"),
        ("Database:Workers:0:Region", "us-east-1"),
        ("Database:Failover", "Vote"),
        ("Monitoring:Region", "ap-south-1"),
        ("Dns:Balancing", "ActiveStandby"));

    /// <summary>Many nodes: a number of ingresses and backends in each of ten regions, and of workers with a standby each.</summary>
    public static ClusterTopology Large(int ingresses, int backends, int workers) => Read(
    [
        ("Domain", "dinehub.example"),
        .. Enumerable.Range(0, 10).SelectMany(i => new (string, string)[]
        {
            ($"Regions:{i}:Name", $"region-{i}"),
            ($"Regions:{i}:Alias", $"r{i}"),
            ($"Regions:{i}:Ingresses", $"{ingresses}"),
            ($"Regions:{i}:Backends", $"{backends}"),
        }),
        .. Enumerable.Range(0, workers).Select(i => ($"Database:Workers:{i}:Region", $"region-{i % 10}")),
        ("Database:Shards", "1024"),
    ]);

    public static ClusterTopology Read(params (string Key, string Value)[] settings) => TopologyConfiguration.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(pair => pair.Key, pair => (string?)pair.Value)).Build());
}
