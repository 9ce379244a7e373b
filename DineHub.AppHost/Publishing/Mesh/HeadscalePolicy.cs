using System.Globalization;
using System.Text.Json.Nodes;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.AppHost.Publishing.Mesh;

/// <summary>
/// The mesh's policy, as Headscale reads it (Headscale documentation, "ACLs"; Tailscale documentation, "Syntax reference for the tailnet policy file"). Whatever no
/// rule accepts is denied: there is always one rule at least, as an empty policy would allow everything.
/// </summary>
internal static class HeadscalePolicy
{
    public const string Path = "generated/headscale/policy.hujson";

    private const string Operators = "group:operators";

    public static PublishedFile Write(ClusterTopology topology)
    {
        // The internet comes by no mesh, and Headscale is not on it.
        var rules = AccessPolicy.RulesOf(topology).Where(rule => rule.From != Party.Internet && rule.From != Party.Headscale && rule.To != Party.Headscale);
        var hosts = Enum.GetValues<Role>().Where(role => role != Role.Headscale);
        var document = new JsonObject
        {
            ["groups"] = new JsonObject { [Operators] = PublishedJson.Array(topology.Machines.Operators.Select(someone => someone.Name + "@")) },
            ["tagOwners"] = PublishedJson.Object(hosts, RoleName.TagOf, _ => PublishedJson.Array([Operators])),
            ["acls"] = new JsonArray([.. rules
                .GroupBy(rule => (rule.From, rule.Transport, rule.Port))
                .Select(rule => (JsonNode)new JsonObject
                {
                    ["action"] = "accept",
                    ["src"] = PublishedJson.Array([Source(rule.Key.From)]),
                    ["proto"] = PublishedName.Of(rule.Key.Transport),
                    ["dst"] = PublishedJson.Array(rule.Select(one => string.Create(CultureInfo.InvariantCulture, $"{Source(one.To)}:{rule.Key.Port}"))),
                })]),
        };

        // A key that it does not know is a mistake to Headscale; comments are not.
        return new PublishedFile(Path, $"// {Header.Line}\n{PublishedJson.Write(document)}");
    }

    private static string Source(Party party) => party == Party.Operator ? Operators : RoleName.TagOf(Enum.Parse<Role>(party.ToString()));
}
