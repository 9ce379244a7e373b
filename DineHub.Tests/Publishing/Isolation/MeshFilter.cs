using System.Globalization;
using System.Text;
using DineHub.AppHost.Publishing.Firewall;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>
/// Stands in for tailscaled's packet filter, which lets in, at the machine that takes a connection, what the mesh's policy accepts. It is not what is under test: that is
/// the generated policy, which it follows, and the generated firewall, together.
/// </summary>
internal static class MeshFilter
{
    /// <summary>Writes the filter of one machine.</summary>
    /// <param name="policy">The mesh's policy.</param>
    /// <param name="here">Whose filter it is.</param>
    /// <param name="hosts">Who is on the mesh.</param>
    /// <param name="ports">The ports that anybody tries.</param>
    public static string Write(PolicyEvaluator policy, IsolatedHost here, IEnumerable<IsolatedHost> hosts, IReadOnlyList<int> ports)
    {
        var text = new StringBuilder()
            .Append("table inet mesh {\n")
            .Append("  chain input {\n")
            .Append("    type filter hook input priority filter; policy accept;\n")
            .Append(CultureInfo.InvariantCulture, $"    iifname != \"{FirewallTable.MeshInterface}\" accept\n")
            .Append("    ct state { established, related } accept\n");
        foreach (var from in hosts.Where(host => host != here))
        {
            foreach (var transport in Enum.GetValues<Transport>())
            {
                var open = ports.Where(port => policy.Allows(from.MeshIdentity!, here.MeshIdentity!, port, transport)).ToList();
                if (open.Count > 0)
                {
                    var protocol = transport == Transport.Tcp ? "tcp" : "udp";
                    text.Append(CultureInfo.InvariantCulture, $"    ip saddr {from.Mesh} {protocol} dport {{ {string.Join(", ", open)} }} accept\n");
                }
            }
        }

        return text.Append("    drop\n  }\n}\n").ToString();
    }

    /// <summary>Whether two machines know of each other: Headscale tells a machine of those only that it may reach, or that may reach it.</summary>
    public static bool ArePeers(PolicyEvaluator policy, IsolatedHost one, IsolatedHost other, IReadOnlyList<int> ports) =>
        one != other && ports.Any(port => Enum.GetValues<Transport>().Any(transport =>
            policy.Allows(one.MeshIdentity!, other.MeshIdentity!, port, transport) || policy.Allows(other.MeshIdentity!, one.MeshIdentity!, port, transport)));
}
