using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace DineHub.Gateway.Requests;

/// <summary>Where a request comes from, by its connection and not by what it says.</summary>
internal static class ClientAddress
{
    public static IPAddress Of(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : IPAddress.None;

    /// <summary>Whose requests count together: an IPv4 address, or an IPv6 network of 64 bits, of which one client has 2^64 addresses.</summary>
    public static ulong KeyOf(HttpContext http)
    {
        var address = Of(http);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);

        // No global IPv6 network begins with zeros, so that none meets an IPv4 address.
        return address.AddressFamily == AddressFamily.InterNetwork
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
