namespace DineHub.Database.Nodes;

/// <summary>How far an upgrade of Citus or PostgreSQL, one server at a time, has come.</summary>
/// <param name="Extension">The version that the extension citus is to be updated to on all nodes now; null for none.</param>
/// <param name="Notes">What remains for the operator to do, one line for each server.</param>
internal sealed record RollingUpgrade(string? Extension, IReadOnlyList<string> Notes)
{
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

        var extensions = nodes.Where(node => !node.IsStandby && node.CitusExtension is not null).ToList();
        var packages = nodes.Where(node => node.CitusPackage is not null).ToList();
        if (extensions.Count == 0 || packages.MaxBy(node => CitusVersion.Parse(node.CitusPackage!))!.CitusPackage is not { } package
            || extensions.TrueForAll(node => node.CitusExtension == package))
        {
            return new(null, notes);
        }

        var wanted = CitusVersion.Parse(package);
        var behind = nodes.Where(node => node.CitusLibrary is { } library && CitusVersion.Parse(library) != wanted).ToList();
        notes.AddRange(behind.Select(node => $"{node.Node}: Citus is {node.CitusLibrary}, elsewhere {wanted}. Upgrade it next; 'db migrate' then updates the extension on all nodes."));
        notes.AddRange(silent.Select(node => $"{node}: does not answer, and may have a Citus older than {wanted}. Start it, then run 'db migrate', which updates the extension on all nodes."));
        return new(behind.Count == 0 && silent.Count == 0 ? package : null, notes);
    }

    private static int Major(NodeFacts node) => node.Version / NodeRequirements.VersionsPerMajor;
}
