using DineHub.Topology;
using Spectre.Console;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>Tells which secrets must exist, and where none was made yet.</summary>
/// <param name="topology">The deployment.</param>
/// <param name="recipients">Whom secrets are encrypted to; null before they were made.</param>
/// <param name="output">The folder that is published to.</param>
internal sealed class SecretReport(ClusterTopology topology, Recipients? recipients, string output)
{
    public void Write(IAnsiConsole console)
    {
        console.WriteLine("Secrets that must exist, none of which is in what is published:");
        var table = new Table().AddColumns("Secret", "Hosts");
        var byName = topology.Nodes.SelectMany(node => SecretCatalog.NamesOf(topology, node).Select(name => (name, node))).GroupBy(pair => pair.name);
        foreach (var secret in byName.OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            table.AddRow(secret.Key, string.Join(", ", secret.GroupBy(pair => pair.node.Role).Select(role => Describe(role.Key, [.. role.Select(pair => pair.node)]))));
        }

        console.Write(table);
        var missing = topology.Nodes.Where(node => recipients?.Hosts.ContainsKey(node.Name) != true || !File.Exists(Path.Combine(output, SecretFiles.PathOf(node)))).ToList();
        console.WriteLine(missing.Count == 0
            ? "Each host has a file of secrets. 'secrets init' looks whether it is complete, and adds what is missing."
            : $"{missing.Count} of {topology.Nodes.Count} hosts have none yet: dotnet run --project DineHub.AppHost -- secrets init");
    }

    private string Describe(Role role, List<Node> nodes) =>
        nodes.Count == topology.OfRole(role).Count() && nodes.Count > 1 ? $"every {RoleName.Of(role)}" : string.Join(", ", nodes.Select(node => node.Name));
}
