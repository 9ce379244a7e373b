namespace DineHub.Topology.Addressing;

/// <summary>The addresses of the WireGuard link between Headscale and the ingresses, which relay the mesh's control traffic to it.</summary>
public static class ControlLink
{
    private const uint MaxIngresses = 100;

    /// <summary>Headscale's address on the link: the first of the range.</summary>
    public static string HeadscaleAddress(ClusterTopology topology) => topology.Machines.ControlLink.At(1).ToString();

    /// <summary>Headscale's address in its region's private network, which ingresses dial.</summary>
    public static string HeadscalePrivateAddress(ClusterTopology topology) =>
        RegionNetwork.Of(topology.RegionOf(topology.OfRole(Role.Headscale).Single())).HeadscaleAddress.ToString();

    /// <summary>The ingresses' addresses: a hundred for each region, so that one that is added moves no other.</summary>
    public static IEnumerable<(Node Ingress, string Address)> IngressAddresses(ClusterTopology topology) =>
        from region in topology.Regions.Index()
        from ingress in topology.OfRole(Role.Ingress).Where(node => node.Region == region.Item.Name).Index()
        select (ingress.Item, topology.Machines.ControlLink.At(Offset(region.Index, ingress.Index)).ToString());

    /// <summary>How many addresses the range must have.</summary>
    /// <param name="regions">How many ingresses each region has.</param>
    public static long Size(IReadOnlyList<int> regions) =>
        regions.Count == 0 ? 0 : regions.Select((ingresses, i) => (long)Offset(i, ingresses - 1)).Max() + 2;

    private static uint Offset(int region, int number) => 2 + (MaxIngresses * (uint)region) + (uint)number;
}
