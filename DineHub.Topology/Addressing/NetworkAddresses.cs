using System.Buffers.Binary;
using System.Net;

namespace DineHub.Topology.Addressing;

/// <summary>Addresses counted within IPv4 networks.</summary>
public static class NetworkAddresses
{
    /// <summary>The address at an offset from the network's first.</summary>
    /// <param name="network">An IPv4 network.</param>
    /// <param name="offset">The offset, within the network.</param>
    /// <exception cref="ArgumentOutOfRangeException">The network has fewer addresses.</exception>
    public static IPAddress At(this IPNetwork network, uint offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, 1UL << (32 - network.PrefixLength));
        var bytes = network.BaseAddress.GetAddressBytes();
        BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) + offset);
        return new IPAddress(bytes);
    }
}
