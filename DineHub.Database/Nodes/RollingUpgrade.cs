using System.Globalization;

namespace DineHub.Database.Nodes;

/// <summary>How far an upgrade of Citus or PostgreSQL, one server at a time, has come.</summary>
/// <param name="Extension">The version that the extension citus is to be updated to now; null for none.</param>
/// <param name="Nodes">The nodes to update it on.</param>
/// <param name="Notes">The operator's next steps, one line for each server.</param>
internal sealed record RollingUpgrade(string? Extension, IReadOnlyList<string> Nodes, IReadOnlyList<string> Notes)
{
    /// <summary>There is nothing to update, and no next step.</summary>
    public static RollingUpgrade None { get; } = new(Extension: null, [], []);

    /// <summary>
    /// Looks at the versions. The extension is updated once every server, standbys included, has the new library: an older one would refuse the newer extension.
    /// </summary>
    /// <param name="nodes">The servers that answer, the coordinator first; they fit together.</param>
    /// <param name="silent">The standbys that do not answer.</param>
    public static RollingUpgrade Of(IReadOnlyList<NodeFacts> nodes, IReadOnlyList<string> silent)
    {
        var notes = new List<string>();
        var newest = nodes.Max(Major);
        notes.AddRange(nodes.Where(node => Major(node) < newest).Select(
            node => $"{node.Node}: PostgreSQL is {Major(node)}, elsewhere {newest}. Upgrade it next (docs/runbook.md, 'Upgrade PostgreSQL')."));

        var package = nodes.Select(node => node.CitusPackage).OfType<string>().MaxBy(SchemaOrder);
        var outdated = nodes.Where(node => !node.IsStandby && node.CitusExtension is { } extension && extension != package).Select(node => node.Node).ToList();
        if (package is null || outdated.Count == 0)
        {
            return None with { Notes = notes };
        }

        var wanted = CitusVersion.Parse(package);
        var behind = nodes.Where(node => node.CitusLibrary is { } library && (node.CitusPackage != package || CitusVersion.Parse(library) != wanted)).ToList();
        notes.AddRange(behind.Select(node => $"{node.Node}: Citus is {node.CitusLibrary} (package {node.CitusPackage}), elsewhere the package is {package}. Upgrade it next; 'db migrate' then updates the extension on all nodes."));
        notes.AddRange(silent.Select(node => $"{node}: does not answer, and may have a Citus older than {wanted}. Start it, then run 'db migrate', which updates the extension on all nodes."));
        return behind.Count == 0 && silent.Count == 0 ? new(package, outdated, notes) : None with { Notes = notes };
    }

    // "13.2-1": the last number is that of the extension's schema, which a patch release may raise.
    private static (CitusVersion Version, int Schema) SchemaOrder(string package) =>
        (CitusVersion.Parse(package), int.TryParse(package.Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var schema) ? schema : 0);

    private static int Major(NodeFacts node) => node.Version / NodeRequirements.VersionsPerMajor;
}
