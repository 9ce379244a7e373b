using DineHub.Database.Nodes;
using DineHub.Database.Replication;

namespace DineHub.Tests.Database.Servers;

/// <summary>The rule of what a server starts as, by cases.</summary>
public sealed class JoinDecisionTests
{
    private static readonly DatabaseGroup Group = new(new DatabaseNode("w", "eu", "h1", 1), new DatabaseNode("w-standby", "us", "h2", 2));

    [Theory]

    // Without data.
    [InlineData("w", Own.None, ServerState.Down, null, JoinAction.Initialize)]
    [InlineData("w", Own.None, ServerState.Silent, null, JoinAction.Initialize)]
    [InlineData("w", Own.None, ServerState.Standby, null, JoinAction.Wait)]
    [InlineData("w", Own.None, ServerState.Primary, null, JoinAction.Follow)]
    [InlineData("w", Own.None, ServerState.Primary, "w-standby", JoinAction.Follow)]
    [InlineData("w", Own.None, ServerState.Down, "w", JoinAction.Wait)]
    [InlineData("w", Own.None, ServerState.Down, "w-standby", JoinAction.Wait)]
    [InlineData("w", Own.None, ServerState.Primary, "w", JoinAction.Wait)]
    [InlineData("w-standby", Own.None, ServerState.Down, null, JoinAction.Wait)]
    [InlineData("w-standby", Own.None, ServerState.Primary, "w", JoinAction.Follow)]

    // A former primary.
    [InlineData("w", Own.Primary, ServerState.Down, "w", JoinAction.StartPrimary)]
    [InlineData("w", Own.Primary, ServerState.Primary, "w", JoinAction.StartPrimary)]
    [InlineData("w", Own.Primary, ServerState.Standby, null, JoinAction.StartPrimary)]
    [InlineData("w", Own.Primary, ServerState.Standby, "w-standby", JoinAction.Wait)]
    [InlineData("w", Own.Primary, ServerState.Down, "w-standby", JoinAction.Wait)]
    [InlineData("w", Own.Primary, ServerState.Primary, "w-standby", JoinAction.Follow)]
    [InlineData("w", Own.Primary, ServerState.Primary, null, JoinAction.Follow)]
    [InlineData("w", Own.Primary, ServerState.Down, null, JoinAction.Wait)]
    [InlineData("w", Own.Primary | Own.Forced, ServerState.Down, null, JoinAction.StartPrimary)]
    [InlineData("w", Own.Primary | Own.Forced, ServerState.Down, "w-standby", JoinAction.Wait)]
    [InlineData("w", Own.Primary | Own.Fenced, ServerState.Standby, null, JoinAction.Wait)]
    [InlineData("w", Own.Primary | Own.Fenced, ServerState.Down, "w", JoinAction.Wait)]
    [InlineData("w", Own.Primary | Own.Fenced | Own.Forced, ServerState.Down, null, JoinAction.Wait)]
    [InlineData("w", Own.Primary | Own.Fenced, ServerState.Primary, "w-standby", JoinAction.Follow)]
    [InlineData("w", Own.Primary | Own.Restored, ServerState.Primary, "w-standby", JoinAction.StartPrimary)]

    // A standby.
    [InlineData("w-standby", Own.Standby, ServerState.Primary, "w", JoinAction.Follow)]
    [InlineData("w-standby", Own.Standby, ServerState.Down, "w", JoinAction.StartStandby)]
    [InlineData("w-standby", Own.Standby, ServerState.Standby, null, JoinAction.StartStandby)]
    [InlineData("w-standby", Own.Standby, ServerState.Silent, "w-standby", JoinAction.StartStandby)]

    // A group of one.
    [InlineData("w", Own.None, null, null, JoinAction.Initialize)]
    [InlineData("w", Own.Primary, null, null, JoinAction.StartPrimary)]
    [InlineData("w", Own.Primary | Own.Restored, null, null, JoinAction.StartPrimary)]
    [InlineData("w", Own.Standby, null, null, JoinAction.StartStandby)]
    internal void Server_starts_as_its_files_its_partner_and_the_records_require(string name, Own own, ServerState? partner, string? record, JoinAction expected)
    {
        var decision = JoinDecision.Of(new JoinObservation
        {
            Name = name,
            Group = partner is null ? Group with { Standby = null } : Group,
            HasData = own.HasFlag(Own.Primary) || own.HasFlag(Own.Standby),
            IsStandby = own.HasFlag(Own.Standby),
            IsFenced = own.HasFlag(Own.Fenced),
            IsRestored = own.HasFlag(Own.Restored),
            Force = own.HasFlag(Own.Forced),
            Partner = partner is { } state ? new NodeProbe(Group.PartnerOf(name)!, state, null, null, [], null) : null,
            Record = record is null ? null : new PrimaryRecord("w", record, 2, InSync: true, DateTimeOffset.UnixEpoch),
        });
        decision.Action.ShouldBe(expected, decision.Reason);
        decision.Reason.ShouldNotBeEmpty();
        decision.Reason.ShouldNotContain('\n');
    }

    [Theory]

    // The programs are of PostgreSQL 17, the data of 15.
    [InlineData(Own.Primary, ServerState.Standby, "15.20", "w", JoinAction.Refuse)]
    [InlineData(Own.Primary, ServerState.Down, null, "w", JoinAction.Refuse)]
    [InlineData(Own.Primary, null, null, null, JoinAction.Refuse)]
    [InlineData(Own.Primary | Own.Restored, ServerState.Primary, "17.11", "w-standby", JoinAction.Refuse)]
    [InlineData(Own.Standby, ServerState.Primary, "17.11", "w-standby", JoinAction.Follow)]
    [InlineData(Own.Standby, ServerState.Primary, "15.20", "w-standby", JoinAction.Wait)]
    [InlineData(Own.Standby, ServerState.Down, null, "w-standby", JoinAction.Wait)]
    [InlineData(Own.Primary | Own.Fenced, ServerState.Primary, "17.11", "w-standby", JoinAction.Follow)]
    [InlineData(Own.Primary | Own.Fenced, ServerState.Down, null, "w-standby", JoinAction.Wait)]

    // A new server of PostgreSQL 17.
    [InlineData(Own.None, ServerState.Primary, "15.20", "w-standby", JoinAction.Wait)]
    [InlineData(Own.None, ServerState.Primary, "17.11", "w-standby", JoinAction.Follow)]
    internal void Data_of_another_major_version_is_never_started(Own own, ServerState? partner, string? version, string? record, JoinAction expected)
    {
        var hasData = own.HasFlag(Own.Primary) || own.HasFlag(Own.Standby);
        var decision = JoinDecision.Of(new JoinObservation
        {
            Name = "w",
            Group = partner is null ? Group with { Standby = null } : Group,
            HasData = hasData,
            DataVersion = hasData ? 15 : null,
            ProgramVersion = 17,
            IsStandby = own.HasFlag(Own.Standby),
            IsFenced = own.HasFlag(Own.Fenced),
            IsRestored = own.HasFlag(Own.Restored),
            Partner = partner is { } state ? new NodeProbe(Group.PartnerOf("w")!, state, null, version, [], null) : null,
            Record = record is null ? null : new PrimaryRecord("w", record, 2, InSync: true, DateTimeOffset.UnixEpoch),
        });
        decision.Action.ShouldBe(expected, decision.Reason);
        if (expected != JoinAction.Follow)
        {
            decision.Reason.ShouldContain("17");
        }
    }

    [Flags]
    internal enum Own
    {
        None = 0,
        Primary = 1,
        Standby = 2,
        Fenced = 4,
        Restored = 8,
        Forced = 16,
    }
}
