using System.Net;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>Which of a machine's addresses is tried.</summary>
internal enum Way
{
    /// <summary>The address in the VPC, or on the internet: IPv4.</summary>
    Underlay,

    /// <summary>The same, IPv6.</summary>
    UnderlaySix,

    /// <summary>The address on the mesh. Hosts outside the mesh send to it over the underlay.</summary>
    Mesh,

    /// <summary>The address on the control link. Hosts outside the link send to it over the underlay.</summary>
    Control,
}

/// <summary>One way from a machine to a port of another.</summary>
/// <param name="From">Who opens the connection.</param>
/// <param name="To">Who takes it.</param>
/// <param name="Way">Over which address.</param>
/// <param name="Port">To which port.</param>
/// <param name="Transport">By which transport.</param>
internal sealed record NetworkPath(IsolatedHost From, IsolatedHost To, Way Way, int Port, Transport Transport)
{
    /// <summary>Where it leads.</summary>
    public IPEndPoint Target => new(AddressOf(To, Way)!, Port);

    /// <summary>A machine's address; null for none.</summary>
    public static IPAddress? AddressOf(IsolatedHost host, Way way) => way switch
    {
        Way.Underlay => host.Underlay,
        Way.UnderlaySix => host.UnderlaySix,
        Way.Mesh => host.Mesh,
        _ => host.Control,
    };

    public override string ToString() => $"{From} to {To}, {Way}, {Transport} {Port}";
}
