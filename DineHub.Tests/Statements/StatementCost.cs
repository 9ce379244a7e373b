using System.Text.RegularExpressions;

namespace DineHub.Tests.Statements;

/// <summary>Where the rows of a statement are.</summary>
internal enum StatementReach
{
    /// <summary>In no table of Citus.</summary>
    None,

    /// <summary>In a reference table, of which the node that is asked has a copy.</summary>
    ThisNode,

    /// <summary>In a reference table, all copies of which are written.</summary>
    EveryNode,

    /// <summary>In one shard, or in shards that lie together.</summary>
    OneShard,

    /// <summary>In several shards.</summary>
    ManyShards,
}

/// <summary>What a statement costs where it enters at a node that owns no shard.</summary>
/// <param name="Reach">Where its rows are.</param>
/// <param name="Column">The column that its tables are distributed by; null where none is.</param>
/// <param name="Tasks">The commands on shards, wherever they are executed.</param>
/// <param name="RoundTrips">The commands that follow each other between nodes; one that goes to several at once counts once.</param>
/// <param name="IsTwoPhase">Whether it is committed in two phases.</param>
internal sealed partial record StatementCost(StatementReach Reach, string? Column, int Tasks, int RoundTrips, bool IsTwoPhase)
{
    private const string Prepare = "PREPARE TRANSACTION";

    // One for the command, one for the end of the rows.
    private const int RoundTripsOfCopy = 2;

    /// <summary>The cost of one execution of a statement, without the beginning of a transaction that it is a part of.</summary>
    /// <param name="shards">The shards.</param>
    /// <param name="sent">What went to other nodes for it.</param>
    /// <param name="local">What the node that was asked did itself.</param>
    /// <param name="isInTransaction">Whether it is part of a transaction.</param>
    public static StatementCost Of(ShardMap shards, IReadOnlyList<string> sent, IReadOnlyList<string> local, bool isInTransaction)
    {
        var tasks = sent.Concat(local).Where(command => shards.In(command).Count > 0).ToList();
        var touched = tasks.SelectMany(shards.In).ToList();
        var distributed = touched.Where(shard => shard.Column is not null).ToList();
        var ranges = distributed.Select(shard => shard.From).Distinct().Count();
        var reach = touched.Count == 0 ? StatementReach.None
            : ranges > 1 ? StatementReach.ManyShards
            : ranges == 1 ? StatementReach.OneShard
            : sent.Count > 0 ? StatementReach.EveryNode
            : StatementReach.ThisNode;
        return new StatementCost(
            reach,
            distributed.Count == 0 ? null : string.Join(", ", distributed.Select(shard => shard.Column).Distinct().Order(StringComparer.Ordinal)),
            tasks.Count,
            RoundTripsOf(isInTransaction ? sent.Where(command => !IsBegin(command)) : sent),
            IsPrepared(sent));
    }

    /// <summary>The commands that follow each other.</summary>
    /// <param name="sent">What went to other nodes.</param>
    public static int RoundTripsOf(IEnumerable<string> sent) =>
        sent.Select(command => Number().Replace(command, "N")).Distinct().Sum(command => command.StartsWith("COPY ", StringComparison.Ordinal) ? RoundTripsOfCopy : 1);

    /// <summary>Whether a transaction was prepared.</summary>
    /// <param name="sent">What went to other nodes.</param>
    public static bool IsPrepared(IEnumerable<string> sent) => sent.Any(command => command.StartsWith(Prepare, StringComparison.Ordinal));

    /// <summary>Whether a command begins a transaction.</summary>
    /// <param name="command">The command.</param>
    public static bool IsBegin(string command) => command.StartsWith("BEGIN", StringComparison.Ordinal);

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();
}
