using DineHub.Database.Cluster;

namespace DineHub.Database.Nodes;

/// <summary>A group and what its members answered.</summary>
/// <param name="Group">The group.</param>
/// <param name="Members">What each member answered, in the group's order.</param>
/// <param name="Record">What the cluster's nodes know of its primary; null where none knows anything.</param>
public sealed record GroupView(DatabaseGroup Group, IReadOnlyList<NodeProbe> Members, PrimaryRecord? Record)
{
    /// <summary>
    /// The member that is the primary. Where two say so, the one that the records name (the other is to be fenced); where none does, the one
    /// that last was.
    /// </summary>
    public NodeProbe Primary =>
        Members.Where(member => member.State == ServerState.Primary)
            .OrderByDescending(member => member.Node.Name == Record?.Node).ThenByDescending(member => member.Timeline).FirstOrDefault()
        ?? Members.FirstOrDefault(member => member.Node.Name == Record?.Node)
        ?? Members[0];

    /// <summary>The member beside the primary; null where there is none.</summary>
    public NodeProbe? Standby => Members.FirstOrDefault(member => member != Primary);

    /// <summary>The primary's address under the group's name and home region, as the engines know it.</summary>
    public DatabaseNode Address => Group.Home with { Host = Primary.Node.Host, Port = Primary.Node.Port, Peer = Primary.Node.Peer };
}

/// <summary>The whole cluster as it answers now.</summary>
/// <param name="Groups">The coordinator's group first, then the workers'.</param>
public sealed record ClusterView(IReadOnlyList<GroupView> Groups)
{
    /// <summary>The options with the addresses of those that are the primaries now.</summary>
    /// <param name="options">The options with the addresses of the topology.</param>
    public DatabaseOptions Resolve(DatabaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with
        {
            Coordinator = Groups[0].Address,
            Workers = [.. Groups.Skip(1).Select(group => group.Address)],
            Followers = [.. Groups.SelectMany(FollowersOf)],
        };
    }

    // A group has the name of its home server, which may be the standby now.
    private static IEnumerable<DatabaseNode> FollowersOf(GroupView group) => group.Group.Members
        .Where(member => member.Name != group.Primary.Node.Name)
        .Select(member => member.Name == group.Group.Name ? member with { Name = $"{member.Name} (a standby now)" } : member);

    /// <summary>Asks every node, all at the same time.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="connections">The role to ask as.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<ClusterView> ReadAsync(DatabaseOptions options, NodeConnections connections, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        var groups = options.Groups;
        var probes = (await Task.WhenAll(groups.SelectMany(group => group.Members).Select(node => NodeProbe.AskAsync(connections, node, ct))))
            .ToDictionary(probe => probe.Node.Name);
        var records = probes.Values.SelectMany(probe => probe.Records).ToLookup(record => record.Group);
        return new ClusterView(
            [.. groups.Select(group => new GroupView(group, [.. group.Members.Select(member => probes[member.Name])], PrimaryRecord.Newest(records[group.Name])))]);
    }
}
