using System.Globalization;

namespace DineHub.Database.Backups;

/// <summary>Where one timeline was left for the next.</summary>
/// <param name="Timeline">The timeline that was left.</param>
/// <param name="Location">The WAL location where it was.</param>
internal readonly record struct Fork(uint Timeline, ulong Location);

/// <summary>
/// A timeline, as its history file tells (PostgreSQL documentation, 26.3.6): each recovery and each promotion of a standby begins a new one.
/// </summary>
/// <param name="Id">Its number; each new one has the highest.</param>
/// <param name="Since">When it began: when its history file was archived.</param>
/// <param name="Ancestry">The timelines before it, the oldest first.</param>
/// <param name="LeavesOut">Whether it began at a recovery target, and so left out what had come after that on its parent.</param>
internal sealed record Timeline(uint Id, DateTimeOffset Since, IReadOnlyList<Fork> Ancestry, bool LeavesOut)
{
    // PostgreSQL's startup process, which writes these files, gives this reason for a promotion and for a recovery without a target.
    private const string NoTarget = "no recovery target specified";

    public uint? Parent => Ancestry.Count == 0 ? null : Ancestry[^1].Timeline;

    /// <summary>Reads a history file: lines of parent, location and reason, parted by tabs.</summary>
    public static Timeline Parse(uint id, DateTimeOffset since, string history)
    {
        var lines = history.Split('\n').Select(line => line.Trim().Split('\t')).Where(fields => fields.Length >= 2 && fields[0][0] != '#').ToList();
        return new Timeline(
            id,
            since,
            [.. lines.Select(fields => new Fork(uint.Parse(fields[0], CultureInfo.InvariantCulture), WalSegment.ParseLocation(fields[1])))],
            lines.Count > 0 && !string.Join(' ', lines[^1].Skip(2)).Contains(NoTarget, StringComparison.Ordinal));
    }

    /// <summary>Whether recovery from a place in the WAL can follow this timeline.</summary>
    public bool CanFollow(uint timeline, ulong location) =>
        timeline == Id || Ancestry.Any(fork => fork.Timeline == timeline && location <= fork.Location);
}
