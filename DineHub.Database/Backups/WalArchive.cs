namespace DineHub.Database.Backups;

/// <summary>What the archive of one database holds: its timelines and segments.</summary>
internal sealed class WalArchive
{
    private readonly Dictionary<uint, Timeline> timelines;
    private readonly HashSet<WalSegment> segments;

    /// <param name="timelines">The timelines that have a history file.</param>
    /// <param name="segments">The segments.</param>
    public WalArchive(IEnumerable<Timeline> timelines, IEnumerable<WalSegment> segments)
    {
        this.segments = [.. segments];
        this.timelines = timelines.ToDictionary(timeline => timeline.Id);

        // The first has no history file.
        var known = this.timelines.Values.SelectMany(timeline => timeline.Ancestry).Select(fork => fork.Timeline)
            .Concat(this.segments.Select(segment => segment.Timeline)).Append(1u).Distinct().ToList();
        foreach (var id in known)
        {
            this.timelines.TryAdd(id, new Timeline(id, DateTimeOffset.MinValue, [], LeavesOut: false));
        }
    }

    public int SegmentCount => segments.Count;

    public IEnumerable<Timeline> Timelines => timelines.Values;

    public Timeline Newest => timelines[timelines.Keys.Max()];

    /// <summary>
    /// The timeline on which recovery finds the data as it was at a time: the one that was written to then. Where that was left by the
    /// promotion of a standby or a recovery to its end, the one that went on from there: it has all that the other had, also what the lost
    /// server did not archive any more.
    /// </summary>
    public Timeline At(DateTimeOffset time)
    {
        var found = timelines.Values.Where(timeline => timeline.Since <= time).MaxBy(timeline => timeline.Id)!;
        while (timelines.Values.Where(child => child.Parent == found.Id && !child.LeavesOut).MaxBy(child => child.Id) is { } next)
        {
            found = next;
        }

        return found;
    }

    public Timeline Get(uint id) => timelines.TryGetValue(id, out var timeline)
        ? timeline
        : throw new BackupException($"The archive has no timeline {id}.");

    public bool Contains(WalSegment segment) => segments.Contains(segment);

    /// <summary>The segments that are not there between one and the newest that recovery along a timeline may read.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <param name="first">The number of the first segment that recovery reads.</param>
    public IReadOnlyList<WalSegment> Missing(Timeline timeline, ulong first)
    {
        uint OwnerOf(ulong number) =>
            timeline.Ancestry.Where(fork => number < WalSegment.NumberBefore(fork.Location)).Select(fork => fork.Timeline).FirstOrDefault(timeline.Id);

        // The segment in which a timeline was left is there twice, and either will do where the new one has been archived.
        var there = segments.Where(segment => segment.Timeline == timeline.Id || timeline.Ancestry.Any(
            fork => fork.Timeline == segment.Timeline && segment.Number <= WalSegment.NumberBefore(fork.Location))).Select(segment => segment.Number).ToHashSet();
        var missing = new List<WalSegment>();
        for (var number = first; number < there.DefaultIfEmpty().Max(); number++)
        {
            if (!there.Contains(number))
            {
                missing.Add(new WalSegment(OwnerOf(number), number));
            }
        }

        return missing;
    }
}
