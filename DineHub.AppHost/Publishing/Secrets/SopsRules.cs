using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary><c>.sops.yaml</c>: each host's file is encrypted to the operators and to that host only.</summary>
internal static class SopsRules
{
    public const string Path = ".sops.yaml";

    public static PublishedFile Write(ClusterTopology topology, Recipients? recipients)
    {
        var rules = topology.Nodes
            .Where(node => recipients?.Hosts.ContainsKey(node.Name) == true)
            .Select(node => new Dictionary<string, object>
            {
                ["path_regex"] = $"(^|/)secrets/{node.Name}\\.yaml$",
                ["age"] = string.Join(',', recipients!.Operators.Append(recipients.Hosts[node.Name])),
            })
            .ToList();
        return new PublishedFile(Path, PublishedYaml.Write(
            rules.Count == 0 ? [Header.Line, "No host has a key yet: 'secrets init' makes them."] : [Header.Line],
            new Dictionary<string, object> { ["creation_rules"] = rules }));
    }
}
