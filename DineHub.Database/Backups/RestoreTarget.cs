using System.Globalization;
using System.Text.RegularExpressions;

namespace DineHub.Database.Backups;

/// <summary>What a restore brings back: the end of the archive, a time, or a restore point.</summary>
public sealed partial record RestoreTarget
{
    /// <summary>The most characters that a restore point's name may have: those that PostgreSQL keeps.</summary>
    public const int MaxNameLength = 63;

    private const string LatestText = "latest";

    // PostgreSQL counts microseconds; a DateTimeOffset counts tenths of them.
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";
    private const string StampFormat = "yyyyMMdd'T'HHmmssfff'Z'";

    private static readonly string[] AcceptedFormats =
        ["yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz"];

    private RestoreTarget(DateTimeOffset? time, string? name)
    {
        Time = time;
        Name = name;
    }

    /// <summary>The end of the archive: everything that was archived.</summary>
    public static RestoreTarget Latest { get; } = new(time: null, name: null);

    /// <summary>The time up to which commits are brought back, in UTC; null where the target is none.</summary>
    public DateTimeOffset? Time { get; }

    /// <summary>The restore point's name; null where the target is none.</summary>
    public string? Name { get; }

    /// <summary>All that was committed up to a time.</summary>
    /// <param name="time">The time; cut to the microsecond.</param>
    public static RestoreTarget At(DateTimeOffset time) =>
        new(new DateTimeOffset(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero), name: null);

    /// <summary>A restore point.</summary>
    /// <param name="name">A letter, then letters, digits, - and _; at most 63 in all; not <c>latest</c>.</param>
    /// <exception cref="FormatException">The name is not one.</exception>
    public static RestoreTarget Point(string name) => IsName(name)
        ? new(time: null, name)
        : throw new FormatException($"'{name}' is not a restore point's name: a letter, then letters, digits, - and _, at most {MaxNameLength}; not '{LatestText}'.");

    /// <summary>Reads a target.</summary>
    /// <param name="text"><c>latest</c>, a time in ISO 8601 with an offset or Z, or a restore point's name.</param>
    /// <exception cref="FormatException">It is none of these; the message says why.</exception>
    public static RestoreTarget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == LatestText)
        {
            return Latest;
        }

        if (text.Length == 0 || !char.IsAsciiDigit(text[0]))
        {
            return Point(text);
        }

        if (!OffsetPattern().IsMatch(text))
        {
            throw new FormatException($"'{text}' has no time zone: add Z for UTC, or an offset such as +02:00.");
        }

        var normal = text.Replace(' ', 'T').Replace("Z", "+00:00", StringComparison.Ordinal);
        return DateTimeOffset.TryParseExact(normal, AcceptedFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? At(time)
            : throw new FormatException($"'{text}' is not a time in ISO 8601, such as 2026-11-21T10:15:00Z.");
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Time?.ToString(TimeFormat, CultureInfo.InvariantCulture) ?? Name ?? LatestText;

    /// <summary>A restore point's name with its time, so that it is unique and tells which backups come before it.</summary>
    /// <param name="label">What it begins with.</param>
    /// <param name="time">When it is made; cut to the millisecond.</param>
    /// <exception cref="FormatException">The label cannot begin a name, or is too long.</exception>
    internal static RestoreTarget PointAt(string label, DateTimeOffset time) =>
        Point($"{label}-{time.UtcDateTime.ToString(StampFormat, CultureInfo.InvariantCulture)}");

    /// <summary>The time in a restore point's name; null where it has none.</summary>
    internal DateTimeOffset? PointTime() =>
        Name is not null && StampPattern().Match(Name) is { Success: true, Value: var stamp }
        && DateTimeOffset.TryParseExact(stamp, [StampFormat, "yyyyMMdd'T'HHmmss'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : null;

    private static bool IsName(string name) => name.Length <= MaxNameLength && name != LatestText && NamePattern().IsMatch(name);

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_-]*\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"(Z|[+-][0-9]{2}:[0-9]{2})\z")]
    private static partial Regex OffsetPattern();

    [GeneratedRegex(@"(?<=-)[0-9]{8}T[0-9]{6,9}Z\z")]
    private static partial Regex StampPattern();
}
