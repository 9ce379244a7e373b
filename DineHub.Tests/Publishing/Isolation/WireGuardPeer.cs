using System.Net;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>Somebody at the other end of a WireGuard interface.</summary>
/// <param name="PublicKey">The peer's public key.</param>
/// <param name="Address">The address that the peer has there, the only one.</param>
/// <param name="Endpoint">Where the peer listens; null where it is waited for.</param>
/// <param name="KeepsAlive">Whether the link is held open, by a packet now and then.</param>
internal sealed record WireGuardPeer(string PublicKey, IPAddress Address, IPEndPoint? Endpoint, bool KeepsAlive = false)
{
    public override string ToString() => $"[Peer]\nPublicKey = {PublicKey}\nAllowedIPs = {Address}/32\n"
        + (Endpoint is null ? "" : $"Endpoint = {Endpoint}\n")
        + (KeepsAlive ? "PersistentKeepalive = 25\n" : "");
}
