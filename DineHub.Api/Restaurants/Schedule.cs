using NodaTime;
using NodaTime.Extensions;
using NodaTime.TimeZones;

namespace DineHub.Api.Restaurants;

/// <summary>
/// Opening hours on the time line. Instants go in with any offset and come out in UTC. A wall time that the clock skips is taken to be
/// later by as much as it skips, one that it repeats is its first occurrence; a span that has no length left is none. Outside the years
/// 2 to 9998 a restaurant is closed.
/// </summary>
/// <param name="hours">Hours that <see cref="OpeningHoursRules"/> has nothing against.</param>
/// <param name="timeZone">The restaurant's time zone: see <see cref="IsTimeZone"/>.</param>
internal sealed class Schedule(OpeningHours hours, string timeZone)
{
    /// <summary>How far apart slots are, in minutes.</summary>
    public const int SlotMinutes = 15;

    private const int SlotsOfDay = 24 * 60 / SlotMinutes;

    private static readonly Duration ClosingHorizon = Duration.FromDays(8);
    private static readonly Duration OpeningHorizon = Duration.FromDays(60);

    // Requests may hold any date. A little off the calendar's ends, no look around can leave it.
    private static readonly DateOnly FirstDate = new(2, 1, 1);
    private static readonly DateOnly LastDate = new(9998, 12, 31);
    private static readonly Instant FirstInstant = Instant.FromUtc(2, 1, 1, 0, 0);
    private static readonly Instant LastInstant = Instant.FromUtc(9998, 12, 31, 0, 0);

    private readonly DateTimeZone zone = DateTimeZoneProviders.Tzdb[timeZone];

    /// <summary>Whether a name is an IANA time zone's. (The provider itself also takes <c>UTC+05:30</c> and the like.)</summary>
    public static bool IsTimeZone(string name) => TzdbDateTimeZoneSource.Default.CanonicalIdMap.ContainsKey(name);

    /// <summary>
    /// Whether a time of day is within a window: from inclusive, until exclusive; past midnight where until is before from, always where
    /// they are equal.
    /// </summary>
    internal static bool WindowContains(TimeOnly from, TimeOnly until, TimeOnly at) => from == until || at.IsBetween(from, until);

    /// <summary><see cref="WindowContains"/> of the restaurant's wall time.</summary>
    public bool IsInWindow(TimeOnly from, TimeOnly until, DateTimeOffset at) =>
        WindowContains(from, until, Local(Instant.FromDateTimeOffset(at)).TimeOfDay.ToTimeOnly());

    /// <summary>Whether the restaurant is open: from the instant of opening until just before that of closing.</summary>
    public bool IsOpenAt(DateTimeOffset at) => EndOfOpening(Instant.FromDateTimeOffset(at)) is not null;

    /// <summary>
    /// When the restaurant closes next, spans that touch taken as one; null where it is closed, and where it does not close within 8
    /// days, as one that is always open.
    /// </summary>
    public DateTimeOffset? ClosesAt(DateTimeOffset at)
    {
        var from = Instant.FromDateTimeOffset(at);
        Instant? closes = null;
        while (EndOfOpening(closes ?? from) is { } end)
        {
            if (end - from > ClosingHorizon)
            {
                return null;
            }

            closes = end;
        }

        return closes?.ToDateTimeOffset();
    }

    /// <summary>
    /// The instant itself where the restaurant is open, else that of its next opening; null where there is none within 60 days.
    /// </summary>
    public DateTimeOffset? NextOpening(DateTimeOffset at)
    {
        if (IsOpenAt(at))
        {
            return at.ToUniversalTime();
        }

        var from = Instant.FromDateTimeOffset(at);
        var today = Local(from).Date;
        var last = today.PlusDays(61);
        Instant? next = null;
        for (var date = today.PlusDays(-1); date <= last; date = date.PlusDays(1))
        {
            foreach (var opening in OpeningsOn(date))
            {
                if (opening.Start > from && opening.Start - from <= OpeningHorizon && !(next <= opening.Start))
                {
                    next = opening.Start;

                    // One day further: the openings of a day that the zone skipped are behind the first of the day after.
                    last = NodaTime.LocalDate.Min(last, date.PlusDays(1));
                }
            }
        }

        return next?.ToDateTimeOffset();
    }

    /// <summary>
    /// The instants of a local date, ascending, at which the wall clock shows a quarter of an hour for the first time and the restaurant
    /// is open.
    /// </summary>
    /// <param name="date">The restaurant's local date.</param>
    /// <param name="notBefore">The earliest instant that may be among them.</param>
    public IReadOnlyList<DateTimeOffset> Slots(DateOnly date, DateTimeOffset notBefore)
    {
        if (date < FirstDate || date > LastDate)
        {
            return [];
        }

        var day = date.ToLocalDate();
        var from = Instant.FromDateTimeOffset(notBefore);
        var openings = OpeningsAround(day);
        var slots = new List<DateTimeOffset>();
        for (var i = 0; i < SlotsOfDay; i++)
        {
            // Skipped times are left out: where they would be moved to, there is a quarter of an hour anyway.
            var mapping = zone.MapLocal(day.At(new LocalTime(0, 0).PlusMinutes(i * SlotMinutes)));
            if (mapping.Count > 0
                && mapping.First().ToInstant() is var slot
                && slot >= from
                && openings.Exists(opening => opening.Contains(slot)))
            {
                slots.Add(slot.ToDateTimeOffset());
            }
        }

        return slots;
    }

    /// <summary>Whether an instant is among the <see cref="Slots"/> of its date.</summary>
    public bool IsSlot(DateTimeOffset at) => Slots(LocalDate(at), at) is [var first, ..] && first == at;

    /// <summary>The date in the restaurant at an instant; the nearest within the years 2 to 9998.</summary>
    public DateOnly LocalDate(DateTimeOffset at) => Local(Instant.FromDateTimeOffset(at)).Date.ToDateOnly();

    /// <summary>What the wall clock shows at an instant; the nearest within the years 2 to 9998.</summary>
    public DateTime WallTime(DateTimeOffset at) => Local(Instant.FromDateTimeOffset(at)).ToDateTimeUnspecified();

    /// <summary>
    /// The first instant of a local date, which is not midnight where the clock skips that; of the nearest date within the years 2 to
    /// 9998.
    /// </summary>
    public DateTimeOffset StartOfDay(DateOnly date)
    {
        var day = date < FirstDate ? FirstDate : date > LastDate ? LastDate : date;
        var mapping = zone.MapLocal(day.ToLocalDate().AtMidnight());
        return (mapping.Count == 0 ? mapping.LateInterval.Start : mapping.First().ToInstant()).ToDateTimeOffset();
    }

    private LocalDateTime Local(Instant at) => Instant.Max(FirstInstant, Instant.Min(LastInstant, at)).InZone(zone).LocalDateTime;

    /// <summary>The latest end of the spans that an instant is in.</summary>
    private Instant? EndOfOpening(Instant at)
    {
        Instant? end = null;
        foreach (var opening in OpeningsAround(Local(at).Date))
        {
            if (opening.Contains(at) && !(end >= opening.End))
            {
                end = opening.End;
            }
        }

        return end;
    }

    /// <summary>
    /// All that can be open on a local date: a span ends on the day after it began, or a little later where the clock skips its end, and
    /// where the clock goes back over midnight, the next day has begun before.
    /// </summary>
    private List<Opening> OpeningsAround(LocalDate date) =>
        [.. OpeningsOn(date.PlusDays(-2)), .. OpeningsOn(date.PlusDays(-1)), .. OpeningsOn(date), .. OpeningsOn(date.PlusDays(1))];

    private IEnumerable<Opening> OpeningsOn(LocalDate date)
    {
        var day = date.ToDateOnly();
        var spans = hours.Exceptions.FirstOrDefault(exception => exception.Date == day) is { } exception
            ? exception.Spans.Select(span => (span.Opens, span.Closes))
            : hours.Weekly.Where(span => span.Day == day.DayOfWeek).Select(span => (span.Opens, span.Closes));
        return
            from span in spans
            let start = On(date, span.Opens)
            let end = On(span.Closes <= span.Opens ? date.PlusDays(1) : date, span.Closes)
            where start < end
            select new Opening(start, end);
    }

    private Instant On(LocalDate date, TimeOnly time) => zone.AtLeniently(date.At(time.ToLocalTime())).ToInstant();

    private readonly record struct Opening(Instant Start, Instant End)
    {
        public bool Contains(Instant at) => Start <= at && at < End;
    }
}
