using DineHub.Topology;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>Deployments that Terraform is asked about.</summary>
internal static class TerraformTopologies
{
    private static readonly (string Name, string Alias)[] Names =
        [("eu-west-1", "eu"), ("us-east-1", "us"), ("ap-southeast-2", "au"), ("sa-east-1", "br"), ("ca-central-1", "ca"), ("eu-north-1", "se")];

    public static ClusterTopology Reference => Topologies.Reference;

    /// <summary>The smallest: no operator, no standbys.</summary>
    public static ClusterTopology OneRegion { get; } = Create(1, ("Database:Standbys", "false"));

    /// <summary>Three regions with two ingresses each of which one waits, other processors, a range of the smallest size.</summary>
    public static ClusterTopology ThreeRegions { get; } = Create(
        3,
        [
            ("Dns:Balancing", "ActiveStandby"),
            ("Dns:Zone", "example"),
            ("Dns:TtlSeconds", "30"),
            ("Regions:2:Cidr", "192.168.7.0/24"),
            ("InstanceTypes:Backend", "m7g.large"),
            ("InstanceTypes:Headscale", "t4g.micro"),
            ("Database:Coordinator:Region", "ap-southeast-2"),
            ("Headscale:Region", "ap-southeast-2"),
            ("Operators:0:Name", "kim"),
            ("Operators:0:SshKey", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= kim"),
            ("Operators:1:Name", "sam"),
            ("Operators:1:SshKey", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILKHChQ41OUknyX4PVJpyUvKhNeMx41otXzkYIOchhE5 ${var.absent} %{ if"),
            .. Enumerable.Range(0, 3).Select(i => ($"Regions:{i}:Ingresses", "2")),
        ]);

    /// <summary>Regions of the same size, to a number.</summary>
    public static ClusterTopology Large(int regions, int backends) =>
        Create(regions, [.. Enumerable.Range(0, regions).Select(i => ($"Regions:{i}:Backends", backends.ToString(System.Globalization.CultureInfo.InvariantCulture)))]);

    private static ClusterTopology Create(int regions, params (string Key, string Value)[] more) => Topologies.Read(
    [
        ("Domain", "dinehub.example"),
        ("Database:Workers:0:Region", Names[0].Name),
        .. Names.Take(regions).Index().SelectMany(region => new[] { ($"Regions:{region.Index}:Name", region.Item.Name), ($"Regions:{region.Index}:Alias", region.Item.Alias) }),
        .. more,
    ]);
}
