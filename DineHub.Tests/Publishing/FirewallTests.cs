using System.Text.RegularExpressions;
using DineHub.AppHost.Publishing.Firewall;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing;

/// <summary>The packet filters of the roles.</summary>
public sealed partial class FirewallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_role_opens_what_the_table_permits_to_somebody_and_nothing_else(bool votes)
    {
        var topology = votes ? Topologies.Voting : Topologies.Reference;
        foreach (var role in Enum.GetValues<Role>())
        {
            var rules = AccessPolicy.RulesOf(topology).Where(rule => rule.To == AccessPolicy.PartyOf(role)).ToList();
            var inside = role == Role.Headscale ? "control" : "tailscale0";
            var expected = rules.Where(rule => rule.From == Party.Internet).Select(rule => $"any {rule.Transport} {rule.Port}")
                .Concat(rules.Where(rule => rule.From != Party.Internet).Select(rule => $"{inside} {rule.Transport} {rule.Port}"));
            Opened(TextOf(topology, role)).ShouldBe(expected.Distinct(), ignoreOrder: true, role.ToString());
        }
    }

    [Fact]
    public void Only_an_ingress_opens_a_TCP_port_to_the_internet()
    {
        foreach (var role in Enum.GetValues<Role>())
        {
            Opened(TextOf(Topologies.Reference, role)).Where(port => port.StartsWith("any Tcp", StringComparison.Ordinal))
                .ShouldBe(role == Role.Ingress ? ["any Tcp 80", "any Tcp 443"] : []);
        }
    }

    [NftFact]
    public async Task Nftables_takes_each_of_them()
    {
        foreach (var topology in new[] { Topologies.Reference, Topologies.OneRegion, Topologies.Voting })
        {
            foreach (var role in Enum.GetValues<Role>())
            {
                (await CheckAsync(TextOf(topology, role))).ShouldBe("", role.ToString());
            }
        }
    }

    [NftFact]
    public async Task Nftables_complains_of_a_mistake() =>
        (await CheckAsync("chain input { type filter hook input priority filter; policy dorp; }")).ShouldContain("dorp");

    private static string TextOf(ClusterTopology topology, Role role) =>
        FirewallTable.Write(topology).Single(file => file.Path == FirewallTable.PathOf(role)).Content;

    private static IEnumerable<string> Opened(string text) => Accept().Matches(text)
        .Select(match => $"{(match.Groups["interface"].Success ? match.Groups["interface"].Value : "any")} {(match.Groups["transport"].Value == "tcp" ? Transport.Tcp : Transport.Udp)} {match.Groups["port"].Value}");

    private static async Task<string> CheckAsync(string content)
    {
        var run = await ProgramRun.OfAsync("unshare", ["--net", "nft", "--check", "--file", "-"], $"table inet dinehub {{\n{content}\n}}\n");
        return run.ExitCode == 0 ? "" : run.Error;
    }

    [GeneratedRegex("""^  (iifname "(?<interface>[^"]+)" )?(?<transport>tcp|udp) dport (?<port>\d+) accept""", RegexOptions.Multiline)]
    private static partial Regex Accept();
}
