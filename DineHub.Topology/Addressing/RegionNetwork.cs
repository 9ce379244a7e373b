using System.Net;

namespace DineHub.Topology.Addressing;

/// <summary>How a region's private network is cut: two public and two private subnets, one each in either of two availability zones.</summary>
/// <param name="Cidr">The whole range, /16 to /24.</param>
public sealed record RegionNetwork(IPNetwork Cidr)
{
    // AWS keeps the first four addresses and the last of each subnet for itself.
    private const uint FirstFreeAddress = 10;

    /// <summary>The region's network.</summary>
    /// <param name="region">The region.</param>
    public static RegionNetwork Of(Region region)
    {
        ArgumentNullException.ThrowIfNull(region);
        return new RegionNetwork(IPNetwork.Parse(region.Cidr));
    }

    /// <summary>The subnets of the first quarters: machines in them have public addresses.</summary>
    public IReadOnlyList<IPNetwork> PublicSubnets => [Quarter(0), Quarter(1)];

    /// <summary>The subnets of the last quarters: machines in them have none.</summary>
    public IReadOnlyList<IPNetwork> PrivateSubnets => [Quarter(2), Quarter(3)];

    /// <summary>Headscale's address, in the first private subnet: fixed, because the ingresses dial it before there is a mesh to ask names of.</summary>
    public IPAddress HeadscaleAddress => PrivateSubnets[0].At(FirstFreeAddress);

    private IPNetwork Quarter(int number)
    {
        var prefix = Cidr.PrefixLength + 2;
        return new IPNetwork(Cidr.At((uint)number << (32 - prefix)), prefix);
    }
}
