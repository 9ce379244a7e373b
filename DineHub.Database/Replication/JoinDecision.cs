using DineHub.Database.Nodes;
using DineHub.Database.Servers;

namespace DineHub.Database.Replication;

/// <summary>What is done with a server's files before it starts.</summary>
internal enum JoinAction
{
    /// <summary>Nothing: it starts as the primary.</summary>
    StartPrimary,

    /// <summary>It is pointed to its partner, if it has one, and starts as the standby that it was.</summary>
    StartStandby,

    /// <summary>It is rewound or copied, so that it starts as the standby of its partner.</summary>
    Follow,

    /// <summary>There is no data: a new server is to be made.</summary>
    Initialize,

    /// <summary>Nothing yet: what it is to be can't be known now.</summary>
    Wait,

    /// <summary>Nothing, until an operator has upgraded the data.</summary>
    Refuse,
}

/// <summary>What is known of a server and its cluster before it starts.</summary>
internal sealed record JoinObservation
{
    /// <summary>The server's name.</summary>
    public required string Name { get; init; }

    /// <summary>The server's group.</summary>
    public required DatabaseGroup Group { get; init; }

    /// <summary>Whether there is data to start from.</summary>
    public bool HasData { get; init; }

    /// <summary>Whether the data is a standby's.</summary>
    public bool IsStandby { get; init; }

    /// <summary>Whether the data has the note of a primary that was ended for a promotion.</summary>
    public bool IsFenced { get; init; }

    /// <summary>The major version of PostgreSQL that the data is of; null where there is none.</summary>
    public int? DataVersion { get; init; }

    /// <summary>The major version of the programs that are to run it; null where that is not known.</summary>
    public int? ProgramVersion { get; init; }

    /// <summary>Whether the data is of another major version than the programs.</summary>
    public bool IsOfOtherVersion => DataVersion is { } data && ProgramVersion is { } programs && data != programs;

    /// <summary>Whether the data was restored from a backup and has not been started since.</summary>
    public bool IsRestored { get; init; }

    /// <summary>The other server of the group; null where there is none.</summary>
    public NodeProbe? Partner { get; init; }

    /// <summary>The newest record of the group that another node has; null where none has one.</summary>
    public PrimaryRecord? Record { get; init; }

    /// <summary>Whether the operator vouches that no other server of the group was promoted.</summary>
    public bool Force { get; init; }
}

/// <summary>
/// The rule that decides what a server starts as, on machines, in containers and as a process. A standby may always start. A former primary with a partner
/// starts only when another node of the cluster confirms that it still is the primary. A server without a partner starts from the data that it has.
/// </summary>
/// <param name="Action">What to do.</param>
/// <param name="Reason">Why, in one line.</param>
internal sealed record JoinDecision(JoinAction Action, string Reason)
{
    /// <summary>Decides.</summary>
    /// <param name="seen">What is known.</param>
    public static JoinDecision Of(JoinObservation seen) => seen switch
    {
        { IsOfOtherVersion: true } when seen.Partner is null || seen.IsRestored => Refused(seen),

        // Everything was restored, and this is the operator's decision.
        { IsRestored: true } => new(JoinAction.StartPrimary, "it was restored from a backup"),
        { Partner: { } partner } => WithPartner(seen, partner),
        { HasData: false } => new(JoinAction.Initialize, "it has no standby, and there is no data"),
        { IsStandby: true } => new(JoinAction.StartStandby, "it was one, although it has no partner in the topology"),
        _ => new(JoinAction.StartPrimary, "it has no standby"),
    };

    private static JoinDecision Refused(JoinObservation seen) => new(
        JoinAction.Refuse,
        $"The data of {seen.Name} is of PostgreSQL {seen.DataVersion}, and its programs of {seen.ProgramVersion}: run 'db upgrade-server', or put the programs of {seen.DataVersion} back (docs/runbook.md, 'Upgrade PostgreSQL').");

    private static JoinDecision WithPartner(JoinObservation seen, NodeProbe partner)
    {
        var (name, other) = (seen.Name, partner.Node.Name);
        if (partner.State == ServerState.Primary && seen.Record?.Node != name)
        {
            if (seen.ProgramVersion is { } programs && ServerVersion.Parse(partner.Version) is { } theirs && theirs != programs)
            {
                return new(JoinAction.Wait, $"{other} is PostgreSQL {theirs}, and {name} has the programs of {programs}: it waits until {other} is upgraded, or until it has those of {theirs} again");
            }

            return new(JoinAction.Follow, $"{other} is the primary");
        }

        if (seen.IsOfOtherVersion)
        {
            return seen.IsStandby || seen.IsFenced
                ? new(JoinAction.Wait, $"{name} has data of PostgreSQL {seen.DataVersion} and the programs of {seen.ProgramVersion}: it waits for {other} to be a primary of PostgreSQL {seen.ProgramVersion} that it can be copied from")
                : Refused(seen);
        }

        return seen switch
        {
            // A group that has data is known to every primary.
            { HasData: false, Record: null } when name == seen.Group.Home.Name && !partner.Answers =>
                new(JoinAction.Initialize, $"there is no data, and no server that answers has a record of {seen.Group.Name}"),
            { HasData: false } => new(
                JoinAction.Wait,
                $"{name} has no data and waits for {other} to be the primary that it can be copied from: it is {partner.State} ({partner.Problem ?? "start or promote it"})"),

            // The partner may have another address by now; the standby looks for it until it is there.
            { IsStandby: true } => new(JoinAction.StartStandby, $"it was a standby; {other} is {partner.State}"),
            { IsFenced: true } => Superseded(),
            { Record: { } record } => record.Node == name
                ? new(JoinAction.StartPrimary, $"it is recorded as the primary, generation {record.Generation}")
                : Superseded(),
            _ when partner.State == ServerState.Standby => new(JoinAction.StartPrimary, $"{other} is a standby"),
            { Force: true } => new(JoinAction.StartPrimary, "forced by --force"),
            _ => new(
                JoinAction.Wait,
                $"{name} was the primary and waits for another database node to confirm that it still is; none answers. Start the others, standbys first. "
                    + $"If {other} was certainly never promoted: 'db join --force'."),
        };

        JoinDecision Superseded() => new(JoinAction.Wait, $"{name} is no longer the primary and waits for {other}, which is {partner.State}, to follow it");
    }
}
