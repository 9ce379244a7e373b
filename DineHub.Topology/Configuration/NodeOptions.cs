namespace DineHub.Topology.Configuration;

/// <summary>Options of NixOS that are added to a topology after it was read.</summary>
public static class NodeOptions
{
    /// <summary>The same with further options of single nodes, which come before those of the configuration.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="TopologyException">An option's name is none, or its node is not there.</exception>
    public static ClusterTopology WithNodeOptions(this ClusterTopology topology, IEnumerable<NodeOption> options)
    {
        ArgumentNullException.ThrowIfNull(topology);
        var further = options.ToList();
        var errors = further
            .Where(option => !MachineReader.IsOption(option.Option) || topology.Nodes.All(node => node.Name != option.Node))
            .Select(option => new ConfigurationError($"NodeOptions:{option.Node}:{option.Option}", "must be a node's name and an option's dotted name"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new TopologyException(errors);
        }

        var all = topology.Machines.NodeOptions.Concat(further)
            .GroupBy(option => (option.Node, option.Option))
            .Select(same => same.Last())
            .OrderBy(option => option.Node, StringComparer.Ordinal).ThenBy(option => option.Option, StringComparer.Ordinal);
        return topology with { Machines = topology.Machines with { NodeOptions = [.. all] } };
    }
}
