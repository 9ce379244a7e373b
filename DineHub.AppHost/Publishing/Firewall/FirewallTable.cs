using System.Globalization;
using System.Text;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Firewall;

/// <summary>
/// A role's packet filter: what nftables' table <c>inet dinehub</c> has in it. It drops whatever <see cref="AccessPolicy"/> does not permit to anybody. Who it is
/// that may, among those on the mesh, is the mesh's policy to say: addresses there are given out at enrolment.
/// </summary>
internal static class FirewallTable
{
    /// <summary>The mesh's interface.</summary>
    public const string MeshInterface = "tailscale0";

    /// <summary>The interface of the link between Headscale and the ingresses.</summary>
    public const string ControlInterface = "control";

    public static string PathOf(Role role) => $"generated/firewall/{RoleName.Of(role)}.nft";

    public static IEnumerable<PublishedFile> Write(ClusterTopology topology) =>
        Enum.GetValues<Role>().Select(role => new PublishedFile(PathOf(role), Write(AccessPolicy.RulesOf(topology), role)));

    private static string Write(IReadOnlyList<AccessRule> rules, Role role)
    {
        var here = AccessPolicy.PartyOf(role);
        var toHere = rules.Where(rule => rule.To == here).ToList();
        var isPublic = toHere.Where(rule => rule.From == Party.Internet).ToList();

        // Headscale is not on the mesh: what is not for everybody comes over its link.
        var inside = toHere.Where(rule => rule.From != Party.Internet).ToList();
        var @interface = role == Role.Headscale ? ControlInterface : MeshInterface;
        var text = new StringBuilder(Header.Comments([Header.Line, "The content of the table `inet dinehub`."]))
            .Append("chain input {\n")
            .Append("  type filter hook input priority filter - 5; policy drop;\n")
            .Append("  iifname \"lo\" accept\n")
            .Append("  ct state vmap { invalid : drop, established : accept, related : accept }\n")
            .Append("  ip protocol icmp icmp type { destination-unreachable, echo-request, parameter-problem, time-exceeded } accept\n")
            .Append("  icmpv6 type { destination-unreachable, echo-request, nd-neighbor-advert, nd-neighbor-solicit, nd-router-advert, packet-too-big, parameter-problem, time-exceeded } accept\n")
            .Append("  udp sport 67 udp dport 68 accept comment \"DHCP\"\n");
        foreach (var rule in isPublic)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {PublishedName.Of(rule.Transport)} dport {rule.Port} accept comment \"{rule.Purpose}\"\n");
        }

        foreach (var port in inside.GroupBy(rule => (rule.Transport, rule.Port)).OrderBy(port => port.Key.Port))
        {
            var who = string.Join(", ", port.Select(rule => rule.From.ToString()).Distinct());
            text.Append(CultureInfo.InvariantCulture, $"  iifname \"{@interface}\" {PublishedName.Of(port.Key.Transport)} dport {port.Key.Port} accept comment \"{who}\"\n");
        }

        return text.Append("}\n\nchain forward {\n  type filter hook forward priority filter - 5; policy drop;\n}\n").ToString();
    }
}
