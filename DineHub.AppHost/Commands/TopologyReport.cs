using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Topology;
using DineHub.Topology.Access;
using Spectre.Console;

namespace DineHub.AppHost.Commands;

/// <summary>Shows a topology to people and to machines.</summary>
public static class TopologyReport
{
    /// <summary>Writes the nodes and the permissions as tables.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="topology">The topology.</param>
    public static void Write(IAnsiConsole console, ClusterTopology topology)
    {
        ArgumentNullException.ThrowIfNull(console);
        ArgumentNullException.ThrowIfNull(topology);
        console.WriteLine($"{topology.Name}: {topology.Domain}, mesh {topology.MeshDomain} ({topology.MeshAddressRange}), durability {topology.Durability}");
        var nodes = new Table().AddColumns("Node", "Role", "Zone", "Region", "Instance", "Follows");
        foreach (var node in topology.Nodes)
        {
            nodes.AddRow(node.Name, node.Role.ToString(), node.Zone.ToString(), node.Region, node.InstanceType, node.Follows ?? "");
        }

        console.Write(nodes);
        console.WriteLine("Permitted connections; all others are denied:");
        var rules = new Table().AddColumns("From", "To", "Port", "Purpose");
        foreach (var rule in AccessPolicy.RulesOf(topology).GroupBy(rule => (rule.From, rule.Port, rule.Transport, rule.Purpose)))
        {
            rules.AddRow(
                rule.Key.From.ToString(),
                string.Join(", ", rule.Select(one => one.To)),
                $"{rule.Key.Port}/{rule.Key.Transport.ToString().ToLowerInvariant()}",
                Markup.Escape(rule.Key.Purpose));
        }

        console.Write(rules);
    }

    /// <summary>The topology with its permissions as JSON, camel case, indented, in a stable order.</summary>
    /// <param name="topology">The topology.</param>
    public static string ToJson(ClusterTopology topology) =>
        JsonSerializer.Serialize(new TopologyDocument(topology, AccessPolicy.RulesOf(topology)), TopologyJson.Default.TopologyDocument);
}

internal sealed record TopologyDocument(ClusterTopology Topology, IReadOnlyList<AccessRule> AccessRules);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TopologyDocument))]
[JsonSerializable(typeof(List<object>))]
[JsonSerializable(typeof(Dictionary<string, object>))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(string))]
internal sealed partial class TopologyJson : JsonSerializerContext;
