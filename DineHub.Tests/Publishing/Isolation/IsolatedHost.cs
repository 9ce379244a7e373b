using System.Net;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>A machine in a network namespace of its own.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Party">What it is to the access policy.</param>
/// <param name="Role">Its role; null for a machine that is none of the deployment's.</param>
/// <param name="MeshIdentity">What the mesh's policy knows it by, a tag or a user; null for one that is not on the mesh.</param>
/// <param name="Mesh">Its address on the mesh; null for one that is not on it.</param>
/// <param name="Control">Its address on the control link; null for one that is not on it.</param>
/// <param name="Underlay">Its IPv4 address where there is no tunnel: the VPC's, or the internet's.</param>
/// <param name="UnderlaySix">Its IPv6 address there.</param>
/// <param name="Inside">Its namespace.</param>
internal sealed record IsolatedHost(
    string Name, Party Party, Role? Role, string? MeshIdentity, IPAddress? Mesh, IPAddress? Control, IPAddress Underlay, IPAddress UnderlaySix, NetworkNamespace Inside)
{
    public override string ToString() => Name;

    /// <summary>Loads the packet filter that is generated for its role.</summary>
    /// <param name="content">What the table <c>inet dinehub</c> has in it.</param>
    public Task LoadFirewallAsync(string content) => Inside.RunAsync("nft", ["--file", "-"], $"table inet dinehub {{\n{content}\n}}\n");

    /// <summary>Removes that packet filter.</summary>
    public Task RemoveFirewallAsync() => Inside.RunAsync("nft", ["delete", "table", "inet", "dinehub"]);
}
