using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing;

/// <summary>
/// Whether a policy lets a node, or an operator's machine, open a connection to a node, as Headscale has it: rules only accept, in any order; a tagged node is its tag
/// and no user's; a policy that says nothing of rules allows everything, one whose list of rules is empty nothing (Headscale documentation, "ACLs").
/// </summary>
internal sealed class PolicyEvaluator
{
    private static readonly JsonDocumentOptions HuJson = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    // What Headscale's decoder knows: anything else is a mistake to it.
    private static readonly string[] KnownKeys = ["groups", "tagOwners", "hosts", "acls", "autoApprovers", "ssh"];
    private static readonly string[] KnownRuleKeys = ["action", "src", "proto", "dst"];

    private readonly Dictionary<string, HashSet<string>> groups;
    private readonly HashSet<string> tags;
    private readonly List<Rule>? rules;

    public PolicyEvaluator(string text)
    {
        var document = JsonNode.Parse(text, null, HuJson)!.AsObject();
        document.Select(pair => pair.Key).ShouldBeSubsetOf(KnownKeys);
        groups = (document["groups"]?.AsObject() ?? []).ToDictionary(pair => pair.Key, pair => Texts(pair.Value).ToHashSet());
        tags = [.. (document["tagOwners"]?.AsObject() ?? []).Select(pair => pair.Key)];
        rules = document["acls"]?.AsArray().Select(Rule.Parse!).ToList();
        foreach (var rule in rules ?? [])
        {
            foreach (var name in rule.Sources.Concat(rule.Destinations.Select(destination => destination.Target)))
            {
                (tags.Contains(name) || groups.ContainsKey(name)).ShouldBeTrue($"'{name}' is neither a tag that somebody owns nor a group: Headscale refuses it.");
            }
        }
    }

    /// <summary>Whether a connection is let through.</summary>
    /// <param name="source">A tag, or a user's name with an @.</param>
    /// <param name="destination">The tag of the node that takes it.</param>
    /// <param name="port">The port.</param>
    /// <param name="transport">The transport.</param>
    public bool Allows(string source, string destination, int port, Transport transport) =>
        rules is null || rules.Exists(rule => rule.Transport == transport
            && rule.Sources.Any(name => Is(name, source))
            && rule.Destinations.Any(one => Is(one.Target, destination) && one.Port == port));

    private static IEnumerable<string> Texts(JsonNode? list) => list!.AsArray().Select(item => item!.GetValue<string>());

    private bool Is(string name, string who) => name == who || (groups.TryGetValue(name, out var members) && members.Contains(who));

    private sealed record Rule(Transport Transport, string[] Sources, (string Target, int Port)[] Destinations)
    {
        public static Rule Parse(JsonNode node)
        {
            var rule = node.AsObject();
            rule.Select(pair => pair.Key).ShouldBeSubsetOf(KnownRuleKeys);
            rule["action"]!.GetValue<string>().ShouldBe("accept");
            return new Rule(
                rule["proto"]!.GetValue<string>() switch { "tcp" => Transport.Tcp, "udp" => Transport.Udp, var other => throw new FormatException(other) },
                [.. Texts(rule["src"])],
                [.. Texts(rule["dst"]).Select(text =>
                {
                    var colon = text.LastIndexOf(':');
                    return (text[..colon], int.Parse(text[(colon + 1)..], CultureInfo.InvariantCulture));
                })]);
        }
    }
}
