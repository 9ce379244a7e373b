namespace DineHub.AppHost.Running;

/// <summary>The pauses before a crashed process is started again: short at first, since a killed PostgreSQL is refused for a moment, then doubling.</summary>
internal sealed class Backoff
{
    /// <summary>A process that ran for this long has not crashed because of how it starts.</summary>
    public static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);

    private const int ShortPauses = 9;
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private int count;

    /// <summary>The next pause: nine times half a second, then twice the one before, up to 30 s.</summary>
    public TimeSpan Next()
    {
        var doublings = Math.Max(0, count++ - ShortPauses + 1);
        return doublings > 6 ? Longest : TimeSpan.FromTicks(Math.Min(First.Ticks << doublings, Longest.Ticks));
    }

    /// <summary>Starts with the short pauses again.</summary>
    public void Reset() => count = 0;
}
