using System.Globalization;
using DineHub.Api.Restaurants;
using FsCheck;
using FsCheck.Fluent;
using NodaTime;
using NodaTime.Extensions;

namespace DineHub.Tests.Restaurants;

public sealed class ScheduleTests
{
    private const string Madrid = "Europe/Madrid";
    private const string NewYork = "America/New_York";

    // Lunch and dinner on Fridays; until 2 in the night after Saturday. Closed on Christmas, a Friday; open on the Monday after.
    private static readonly OpeningHours Bistro = new(
        [
            new(DayOfWeek.Friday, new(11, 0), new(14, 30)),
            new(DayOfWeek.Friday, new(18, 0), new(22, 0)),
            new(DayOfWeek.Saturday, new(18, 0), new(2, 0)),
        ],
        [
            new(new(2026, 12, 25), [], "Christmas"),
            new(new(2026, 12, 28), [new(new(12, 0), new(13, 0))]),
            new(new(2026, 11, 15), [new(new(20, 0), new(21, 0))]),
        ]);

    private static readonly OpeningHours Always =
        new([.. Enum.GetValues<DayOfWeek>().Select(day => new WeeklySpan(day, new(6, 0), new(6, 0)))], []);

    [Theory]
    [InlineData("2026-06-12T08:59:59Z", false)]
    [InlineData("2026-06-12T09:00:00Z", true)]
    [InlineData("2026-06-12T11:00:00+02:00", true)]
    [InlineData("2026-06-12T12:29:59Z", true)]
    [InlineData("2026-06-12T12:30:00Z", false)]
    [InlineData("2026-06-12T16:00:00Z", true)]
    [InlineData("2026-06-12T20:00:00Z", false)]
    [InlineData("2026-06-13T23:59:59Z", true)]
    [InlineData("2026-06-14T00:00:00Z", false)]
    [InlineData("2026-12-25T11:00:00Z", false)]
    [InlineData("2026-12-28T11:00:00Z", true)]
    [InlineData("2026-12-28T12:00:00Z", false)]
    // An exception on Sunday: the night of Saturday still runs out.
    [InlineData("2026-11-15T00:59:59Z", true)]
    [InlineData("2026-11-15T01:00:00Z", false)]
    [InlineData("2026-11-15T19:00:00Z", true)]
    public void The_hours_are_those_of_the_wall_clock(string at, bool open) =>
        new Schedule(Bistro, Madrid).IsOpenAt(Utc(at)).ShouldBe(open);

    [Theory]
    [InlineData("2026-06-12T10:00:00Z", "2026-06-12T12:30:00Z", "2026-06-12T10:00:00Z")]
    [InlineData("2026-06-12T12:30:00Z", null, "2026-06-12T16:00:00Z")]
    [InlineData("2026-06-13T22:00:00Z", "2026-06-14T00:00:00Z", "2026-06-13T22:00:00Z")]
    [InlineData("2026-06-14T00:00:00Z", null, "2026-06-19T09:00:00Z")]
    [InlineData("2026-12-25T11:00:00Z", null, "2026-12-26T17:00:00Z")]
    [InlineData("2026-12-27T11:00:00Z", null, "2026-12-28T11:00:00Z")]
    public void The_next_change_is_known(string at, string? closes, string? opens)
    {
        var schedule = new Schedule(Bistro, Madrid);
        schedule.ClosesAt(Utc(at)).ShouldBe(closes is null ? null : Utc(closes));
        schedule.NextOpening(Utc(at)).ShouldBe(opens is null ? null : Utc(opens));
    }

    [Fact]
    public void What_comes_out_is_in_UTC()
    {
        var schedule = new Schedule(Bistro, Madrid);
        schedule.NextOpening(new(2026, 6, 12, 12, 0, 0, TimeSpan.FromHours(2)))!.Value.Offset.ShouldBe(TimeSpan.Zero);
        schedule.ClosesAt(new(2026, 6, 12, 12, 0, 0, TimeSpan.FromHours(2)))!.Value.Offset.ShouldBe(TimeSpan.Zero);
        schedule.StartOfDay(new(2026, 6, 12)).Offset.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Spans_that_touch_are_one_opening()
    {
        var hours = new OpeningHours(
            [
                new(DayOfWeek.Friday, new(8, 0), new(12, 0)),
                new(DayOfWeek.Friday, new(12, 0), new(0, 0)),
                new(DayOfWeek.Saturday, new(0, 0), new(3, 0)),
            ],
            []);
        new Schedule(hours, Madrid).ClosesAt(Utc("2026-06-12T06:00:00Z")).ShouldBe(Utc("2026-06-13T01:00:00Z"));
    }

    [Fact]
    public void A_restaurant_that_is_always_open_closes_only_for_an_exception()
    {
        Prop.ForAll(Gen.Choose(0, 366 * 24 * 60).ToArbitrary(), minutes =>
        {
            var at = Utc("2026-01-01T00:00:00Z").AddMinutes(minutes);
            var schedule = new Schedule(Always, NewYork);
            schedule.IsOpenAt(at).ShouldBeTrue();
            schedule.ClosesAt(at).ShouldBeNull();
            schedule.NextOpening(at).ShouldBe(at);
        }).QuickCheckThrowOnFailure();

        // What began on Christmas Eve runs out at 6; the next day opens at its own 6.
        var holiday = new Schedule(Always with { Exceptions = [new(new(2026, 12, 25), [])] }, NewYork);
        holiday.ClosesAt(Utc("2026-12-24T12:00:00Z")).ShouldBe(Utc("2026-12-25T11:00:00Z"));
        holiday.NextOpening(Utc("2026-12-25T11:00:00Z")).ShouldBe(Utc("2026-12-26T11:00:00Z"));
        holiday.ClosesAt(Utc("2026-12-17T11:00:00Z")).ShouldBe(Utc("2026-12-25T11:00:00Z"));
        holiday.ClosesAt(Utc("2026-12-17T10:59:59Z")).ShouldBeNull();
    }

    [Fact]
    public void A_restaurant_that_does_not_open_within_60_days_has_no_next_opening()
    {
        var schedule = new Schedule(new([], [new(new(2026, 8, 1), [new(new(10, 0), new(11, 0))])]), Madrid);
        schedule.NextOpening(Utc("2026-06-02T08:00:00Z")).ShouldBe(Utc("2026-08-01T08:00:00Z"));
        schedule.NextOpening(Utc("2026-06-02T07:59:59Z")).ShouldBeNull();
        schedule.NextOpening(Utc("2026-08-01T09:00:00Z")).ShouldBeNull();
    }

    // Madrid's clock goes from 2 to 3 at 01:00 UTC on 29 March 2026, and from 3 to 2 at 01:00 UTC on 25 October. New York's goes from 2 to
    // 3 at 07:00 UTC on 8 March, and from 2 to 1 at 06:00 UTC on 1 November.
    [Theory]
    [InlineData(Madrid, "2026-03-28", "22:00", "02:00", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z")]
    [InlineData(Madrid, "2026-03-28", "22:00", "02:30", "2026-03-28T21:00:00Z", "2026-03-29T01:30:00Z")]
    [InlineData(Madrid, "2026-03-28", "22:00", "03:00", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z")]
    [InlineData(Madrid, "2026-03-29", "02:30", "05:00", "2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z")]
    [InlineData(Madrid, "2026-03-29", "02:30", "03:30", null, null)]
    [InlineData(Madrid, "2026-03-29", "02:30", "03:15", null, null)]
    [InlineData(Madrid, "2026-10-24", "22:00", "02:30", "2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z")]
    [InlineData(Madrid, "2026-10-24", "22:00", "03:00", "2026-10-24T20:00:00Z", "2026-10-25T02:00:00Z")]
    [InlineData(Madrid, "2026-10-25", "02:30", "04:00", "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z")]
    [InlineData(NewYork, "2026-03-07", "18:00", "02:30", "2026-03-07T23:00:00Z", "2026-03-08T07:30:00Z")]
    [InlineData(NewYork, "2026-03-07", "20:00", "20:00", "2026-03-08T01:00:00Z", "2026-03-09T00:00:00Z")]
    [InlineData(NewYork, "2026-10-31", "18:00", "01:30", "2026-10-31T22:00:00Z", "2026-11-01T05:30:00Z")]
    [InlineData(NewYork, "2026-10-31", "18:00", "02:00", "2026-10-31T22:00:00Z", "2026-11-01T07:00:00Z")]
    public void The_nights_when_the_clock_changes_are_as_long_as_they_are(
        string zone, string date, string opens, string closes, string? from, string? until)
    {
        var day = DateOnly.Parse(date, CultureInfo.InvariantCulture);
        var schedule = new Schedule(new([], [new(day, [new(Time(opens), Time(closes))])]), zone);
        var opening = schedule.NextOpening(schedule.StartOfDay(day));
        opening.ShouldBe(from is null ? null : Utc(from));
        (opening is { } at ? schedule.ClosesAt(at) : null).ShouldBe(until is null ? null : Utc(until));
    }

    [Fact]
    public void A_day_that_begins_before_the_last_one_has_ended_is_open()
    {
        // In St. John's the clock went from 00:01 on 7 November 2010 back to 23:01 on the 6th, at 02:31 UTC.
        var schedule = new Schedule(new([], [new(new(2010, 11, 7), [new(new(0, 0), new(4, 0))])]), "America/St_Johns");
        schedule.LocalDate(Utc("2010-11-07T02:45:00Z")).ShouldBe(new(2010, 11, 6));
        schedule.IsOpenAt(Utc("2010-11-07T02:45:00Z")).ShouldBeTrue();
        schedule.ClosesAt(Utc("2010-11-07T02:30:00Z")).ShouldBe(Utc("2010-11-07T07:30:00Z"));
    }

    [Fact]
    public void A_day_that_is_skipped_is_mixed_into_the_next()
    {
        // Samoa had no 30 December 2011: at 10:00 UTC the 29th was followed by the 31st.
        var schedule = new Schedule(
            new([], [new(new(2011, 12, 30), [new(new(20, 0), new(21, 0))]), new(new(2011, 12, 31), [new(new(9, 0), new(10, 0))])]),
            "Pacific/Apia");
        schedule.NextOpening(Utc("2011-12-30T08:00:00Z")).ShouldBe(Utc("2011-12-30T19:00:00Z"));
        schedule.NextOpening(Utc("2011-12-30T20:00:00Z")).ShouldBe(Utc("2011-12-31T06:00:00Z"));
    }

    [Fact]
    public void Slots_begin_with_an_opening_and_end_before_a_closing()
    {
        var schedule = new Schedule(
            new([new(DayOfWeek.Friday, new(11, 5), new(12, 0)), new(DayOfWeek.Friday, new(23, 30), new(0, 20))], []), Madrid);
        schedule.Slots(new(2026, 6, 12), DateTimeOffset.MinValue).Select(Wall).ShouldBe(["09:15", "09:30", "09:45", "21:30", "21:45"]);
        schedule.Slots(new(2026, 6, 13), DateTimeOffset.MinValue).Select(Wall).ShouldBe(["22:00", "22:15"]);
        schedule.Slots(new(2026, 6, 12), Utc("2026-06-12T09:30:00.0000001Z")).Select(Wall).ShouldBe(["09:45", "21:30", "21:45"]);
        schedule.Slots(new(2026, 6, 14), DateTimeOffset.MinValue).ShouldBeEmpty();
        schedule.IsSlot(Utc("2026-06-12T11:15:00+02:00")).ShouldBeTrue();
        schedule.IsSlot(Utc("2026-06-12T11:15:01+02:00")).ShouldBeFalse();
        schedule.IsSlot(Utc("2026-06-12T12:00:00+02:00")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("2026-03-29", "00:30", "00:45", "01:00", "01:15")]
    [InlineData("2026-10-25", "23:30", "23:45", "00:00", "00:15", "00:30", "00:45", "02:00", "02:15")]
    public void A_quarter_of_an_hour_that_the_clock_skips_or_repeats_is_no_slot(string date, params string[] slots)
    {
        var day = DateOnly.Parse(date, CultureInfo.InvariantCulture);
        var schedule = new Schedule(new([], [new(day, [new(new(1, 30), new(3, 30))])]), Madrid);
        schedule.Slots(day, DateTimeOffset.MinValue).Select(Wall).ShouldBe(slots);
    }

    [Theory]
    [InlineData("Europe/Madrid", true)]
    [InlineData("US/Eastern", true)]
    [InlineData("UTC", true)]
    [InlineData("UTC+05:30", false)]
    [InlineData("europe/madrid", false)]
    [InlineData("Romance Standard Time", false)]
    [InlineData("Europe/Atlantis", false)]
    [InlineData("", false)]
    public void A_time_zone_is_one_by_its_IANA_name(string name, bool known) => Schedule.IsTimeZone(name).ShouldBe(known);

    [Theory]
    [InlineData("Europe/Madrid", "2026-03-29", "2026-03-28T23:00:00Z")]
    [InlineData("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z")]
    [InlineData("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z")]
    public void A_day_begins_at_its_first_instant(string zone, string date, string start) =>
        new Schedule(Always, zone).StartOfDay(DateOnly.Parse(date, CultureInfo.InvariantCulture)).ShouldBe(Utc(start));

    [Fact]
    public void A_window_ends_before_its_end_and_may_run_past_midnight() =>
        Prop.ForAll(Minute(1).ToArbitrary(), Minute(1).ToArbitrary(), Minute(1).ToArbitrary(), (from, until, at) =>
        {
            var inside = new HashSet<TimeOnly>();
            var time = from;
            do
            {
                inside.Add(time);
                time = time.AddMinutes(1);
            }
            while (time != until);

            Schedule.WindowContains(from, until, at).ShouldBe(inside.Contains(at));
            var instant = new DateTimeOffset(new(2026, 6, 12), at, TimeSpan.FromHours(2));
            new Schedule(Always, Madrid).IsInWindow(from, until, instant).ShouldBe(inside.Contains(at));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Open_is_what_a_walk_through_the_minutes_finds_open() =>
        Prop.ForAll(Cases(step: 1).ToArbitrary(), test =>
        {
            var (clock, hours) = test;
            var schedule = new Schedule(hours, clock.Zone);
            var open = clock.OpenMinutes(hours);
            for (var minute = clock.FirstToCheck; minute < clock.LastToCheck; minute++)
            {
                if (schedule.IsOpenAt(clock.At(minute).AddSeconds(minute % 60)) != open[minute])
                {
                    Assert.Fail($"{clock.At(minute):O} should be {(open[minute] ? "open" : "closed")}");
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Slots_are_what_a_walk_through_the_minutes_finds() =>
        Prop.ForAll(Cases(step: 1).ToArbitrary(), Gen.Choose(-1, 1).ToArbitrary(), Gen.Choose(-900, 900).ToArbitrary(), (test, day, late) =>
        {
            var (clock, hours) = test;
            var schedule = new Schedule(hours, clock.Zone);
            var date = clock.Date.AddDays(day);
            var notBefore = schedule.StartOfDay(date).AddMinutes(late);
            var open = clock.OpenMinutes(hours);
            var expected = Enumerable.Range(0, open.Length)
                .Where(minute => open[minute] && clock.At(minute) >= notBefore && clock.ShowsForTheFirstTimeAQuarterOf(minute, date))
                .Select(clock.At).ToList();

            var slots = schedule.Slots(date, notBefore);
            slots.ShouldBe(expected);
            slots.ShouldAllBe(slot => schedule.IsOpenAt(slot) && schedule.IsSlot(slot));
            slots.ShouldAllBe(slot => schedule.LocalDate(slot) == date && slot.Offset == TimeSpan.Zero);
            slots.ShouldAllBe(slot => !schedule.IsSlot(slot.AddMinutes(1)) && !schedule.IsSlot(slot.AddTicks(1)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_next_opening_is_open_and_nothing_before_it_is() =>
        Prop.ForAll(Cases(step: 15).ToArbitrary(), Seconds().ToArbitrary(), (test, seconds) =>
        {
            var (clock, hours) = test;
            var schedule = new Schedule(hours, clock.Zone);
            var at = clock.At(clock.FirstToCheck).AddSeconds(seconds);
            var next = schedule.NextOpening(at);
            if (next is { } opening)
            {
                schedule.IsOpenAt(opening).ShouldBeTrue();
                (opening - at).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromDays(60));
            }

            Between(at, next ?? at.AddDays(60)).Where(schedule.IsOpenAt).ShouldBeEmpty();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_closing_is_closed_and_everything_before_it_is_open() =>
        Prop.ForAll(Cases(step: 15).ToArbitrary(), Seconds().ToArbitrary(), (test, seconds) =>
        {
            var (clock, hours) = test;
            var schedule = new Schedule(hours, clock.Zone);
            var at = clock.At(clock.FirstToCheck).AddSeconds(seconds);
            var closes = schedule.ClosesAt(at);
            if (!schedule.IsOpenAt(at))
            {
                closes.ShouldBeNull();
                return;
            }

            if (closes is { } closing)
            {
                schedule.IsOpenAt(closing).ShouldBeFalse();
                (closing - at).ShouldBeInRange(TimeSpan.FromTicks(1), TimeSpan.FromDays(8));
            }

            Between(at, closes ?? at.AddDays(8)).Where(time => !schedule.IsOpenAt(time)).ShouldBeEmpty();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_date_that_a_request_can_hold_is_a_fault() =>
        Prop.ForAll(Instants().ToArbitrary(), Gen.Elements(Madrid, "Pacific/Kiritimati", "Pacific/Pago_Pago").ToArbitrary(), (at, zone) =>
        {
            var date = DateOnly.FromDateTime(at.UtcDateTime);
            var schedule = new Schedule(Always with { Exceptions = [new(date, [new(new(0, 0), new(0, 0))])] }, zone);
            Should.NotThrow(() =>
            {
                schedule.IsOpenAt(at);
                schedule.ClosesAt(at);
                schedule.NextOpening(at);
                schedule.IsSlot(at);
                schedule.Slots(date, at);
                schedule.StartOfDay(date);
                schedule.LocalDate(at);
                schedule.IsInWindow(new(1, 0), new(2, 0), at);
            });
        }).QuickCheckThrowOnFailure();

    /// <summary>
    /// Hours with exceptions around a date; their spans may overlap, and begin and end at multiples of a step, mostly in the night.
    /// </summary>
    internal static Gen<OpeningHours> Hours(DateOnly around, int step) =>
        from weeklyCount in Gen.Choose(0, 8)
        from weekly in Weekly(step).ArrayOf(weeklyCount)
        from exceptionCount in Gen.Choose(0, 3)
        from exceptions in Exception(around, step).ArrayOf(exceptionCount)
        select new OpeningHours(weekly, [.. exceptions.DistinctBy(exception => exception.Date)]);

    private static Gen<WeeklySpan> Weekly(int step) =>
        from day in Gen.Elements(Enum.GetValues<DayOfWeek>())
        from span in Span(step)
        select new WeeklySpan(day, span.Opens, span.Closes);

    private static Gen<OpeningException> Exception(DateOnly around, int step) =>
        from days in Gen.Choose(-2, 2)
        from count in Gen.Choose(0, 2)
        from spans in Span(step).ArrayOf(count)
        from name in Gen.Elements(null, "Fête")
        select new OpeningException(around.AddDays(days), spans, name);

    private static Gen<OpeningSpan> Span(int step) =>
        from opens in Minute(step)
        from closes in Gen.Frequency((5, Minute(step)), (1, Gen.Constant(opens)))
        select new OpeningSpan(opens, closes);

    private static Gen<TimeOnly> Minute(int step) =>
        from minute in Gen.OneOf(Gen.Choose(0, (24 * 60) - 1), Gen.Choose(0, 4 * 60), Gen.Elements(0, 120, 180, 23 * 60))
        select TimeOnly.MinValue.AddMinutes(minute / step * step);

    private static Gen<int> Seconds() =>
        Gen.OneOf(Gen.Choose(0, 3 * 24 * 60 * 60), Gen.Choose(0, 3 * 24 * 4).Select(quarter => quarter * 15 * 60));

    private static Gen<DateTimeOffset> Instants() =>
        from days in Gen.Choose(0, 800)
        from seconds in Gen.Choose(0, 86399)
        from atTheEnd in Gen.Elements(true, false)
        select atTheEnd
            ? DateTimeOffset.MaxValue.AddDays(-days).AddSeconds(-seconds)
            : DateTimeOffset.MinValue.AddDays(days).AddSeconds(seconds);

    private static Gen<(Clock Clock, OpeningHours Hours)> Cases(int step) =>
        from clock in Gen.Elements(Clock.All)
        from hours in Hours(clock.Date, step)
        select (clock, hours);

    // Where all spans begin and end with a quarter of an hour, nothing changes in between.
    private static IEnumerable<DateTimeOffset> Between(DateTimeOffset from, DateTimeOffset until)
    {
        var quarter = TimeSpan.FromMinutes(15).Ticks;
        for (var at = from; at < until; at = new DateTimeOffset(((at.Ticks / quarter) + 1) * quarter, TimeSpan.Zero))
        {
            yield return at;
        }
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).ToUniversalTime();

    private static TimeOnly Time(string text) => TimeOnly.ParseExact(text, "HH:mm", CultureInfo.InvariantCulture);

    private static string Wall(DateTimeOffset at) => at.ToString("HH:mm", CultureInfo.InvariantCulture);

    /// <summary>What a wall clock shows at every minute of the days around a date: all that the model of a schedule is made of.</summary>
    private sealed class Clock
    {
        private const int Day = 24 * 60;

        // The changes of the clock: by an hour and by half an hour, over midnight both ways, and by a whole day; and a day without.
        public static readonly Clock[] All =
        [
            new(Madrid, new(2026, 6, 10)),
            new(Madrid, new(2026, 3, 29)),
            new(Madrid, new(2026, 10, 25)),
            new(NewYork, new(2026, 3, 8)),
            new(NewYork, new(2026, 11, 1)),
            new("Australia/Lord_Howe", new(2026, 4, 5)),
            new("Australia/Lord_Howe", new(2026, 10, 4)),
            new("America/Santiago", new(2026, 9, 6)),
            new("America/Santiago", new(2026, 4, 5)),
            new("America/St_Johns", new(2010, 3, 14)),
            new("America/St_Johns", new(2010, 11, 7)),
            new("Pacific/Apia", new(2011, 12, 30)),
        ];

        private readonly DateTimeOffset origin;
        private readonly DateTime[] shown;
        private readonly Dictionary<DateTime, int> first = [];

        private Clock(string zone, DateOnly date)
        {
            (Zone, Date) = (zone, date);
            origin = new(date.AddDays(-7), TimeOnly.MinValue, TimeSpan.Zero);
            var zoned = DateTimeZoneProviders.Tzdb[zone];
            shown = [.. Enumerable.Range(0, 14 * Day).Select(minute => At(minute).ToInstant().InZone(zoned).ToDateTimeUnspecified())];
            for (var minute = 0; minute < shown.Length; minute++)
            {
                first.TryAdd(shown[minute], minute);
            }
        }

        public string Zone { get; }

        public DateOnly Date { get; }

        public int FirstToCheck { get; } = 6 * Day;

        public int LastToCheck { get; } = 9 * Day;

        public DateTimeOffset At(int minute) => origin.AddMinutes(minute);

        public bool ShowsForTheFirstTimeAQuarterOf(int minute, DateOnly date) =>
            DateOnly.FromDateTime(shown[minute]) == date && shown[minute].Minute % 15 == 0 && first[shown[minute]] == minute;

        public bool[] OpenMinutes(OpeningHours hours)
        {
            var open = new bool[shown.Length];
            var exceptions = hours.Exceptions.ToDictionary(exception => exception.Date, exception => exception.Spans);
            for (var date = Date.AddDays(-4); date <= Date.AddDays(4); date = date.AddDays(1))
            {
                var spans = exceptions.GetValueOrDefault(date)
                    ?? [.. hours.Weekly.Where(span => span.Day == date.DayOfWeek).Select(span => new OpeningSpan(span.Opens, span.Closes))];
                foreach (var span in spans)
                {
                    var (opens, closes) = (date.ToDateTime(span.Opens), date.ToDateTime(span.Closes));
                    var end = MinuteOf(closes > opens ? closes : closes.AddDays(1));
                    for (var minute = MinuteOf(opens); minute < end; minute++)
                    {
                        open[minute] = true;
                    }
                }
            }

            return open;
        }

        // A time that is never shown is as far behind as there are such times around it.
        private int MinuteOf(DateTime wall)
        {
            var (before, after) = (wall, wall);
            while (!first.ContainsKey(before))
            {
                before = before.AddMinutes(-1);
            }

            while (!first.ContainsKey(after))
            {
                after = after.AddMinutes(1);
            }

            return before == wall ? first[wall] : first[wall + (after - before) - TimeSpan.FromMinutes(1)];
        }

        public override string ToString() => $"{Zone} around {Date:O}";
    }
}
