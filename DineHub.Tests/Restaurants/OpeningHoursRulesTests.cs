using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DineHub.Api;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Restaurants;

public sealed class OpeningHoursRulesTests
{
    // As strict as the API is.
    private static readonly JsonSerializerOptions Json =
        new(ApiJson.Default.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    private static readonly WeeklySpan Lunch = new(DayOfWeek.Monday, new(11, 0), new(14, 30));

    [Fact]
    public void Hours_are_written_with_names_of_days_and_times_without_seconds() =>
        JsonSerializer.Serialize(
            new OpeningHours(
                [Lunch],
                [new(new(2026, 12, 25), [new(new(9, 5), new(0, 0))], "Christmas"), new(new(2026, 12, 26), [])]),
            Json)
            .ShouldBe(
                """{"weekly":[{"day":"Monday","opens":"11:00","closes":"14:30"}],"exceptions":["""
                + """{"date":"2026-12-25","spans":[{"opens":"09:05","closes":"00:00"}],"name":"Christmas"},"""
                + """{"date":"2026-12-26","spans":[]}]}""");

    [Fact]
    public void Hours_survive_their_way_through_json() =>
        Prop.ForAll(ScheduleTests.Hours(new(2026, 3, 29), step: 1).ToArbitrary(), hours =>
        {
            var read = JsonSerializer.Deserialize<OpeningHours>(JsonSerializer.Serialize(hours, Json), Json)!;
            read.Weekly.ShouldBe(hours.Weekly);
            read.Exceptions.Select(exception => exception.Date).ShouldBe(hours.Exceptions.Select(exception => exception.Date));
            read.Exceptions.SelectMany(exception => exception.Spans).ShouldBe(hours.Exceptions.SelectMany(exception => exception.Spans));
            JsonSerializer.Serialize(read, Json).ShouldBe(JsonSerializer.Serialize(hours, Json));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("""{"day":"Monday","opens":null,"closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":11,"closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"11:00:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"1:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"24:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"11:60","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":" 1:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"11:0\ud800","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":{},"closes":"14:30"}""")]
    [InlineData("""{"day":1,"opens":"11:00","closes":"14:30"}""")]
    [InlineData("""{"day":"1","opens":"11:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Lundi","opens":"11:00","closes":"14:30"}""")]
    [InlineData("""{"day":"Monday","opens":"11:00"}""")]
    [InlineData("""{"opens":"11:00","closes":"14:30"}""")]
    public void What_is_no_span_is_refused(string json) =>
        Should.Throw<JsonException>(() => { JsonSerializer.Deserialize<WeeklySpan>(json, Json); });

    [Fact]
    public void An_exception_without_a_date_is_refused() =>
        Should.Throw<JsonException>(() => { JsonSerializer.Deserialize<OpeningException>("""{"spans":[]}""", Json); });

    [Fact]
    public void A_time_is_read_only_as_it_would_be_written() =>
        Prop.ForAll(Times().ToArbitrary(), text =>
        {
            var json = $$"""{"opens":{{JsonSerializer.Serialize(text)}},"closes":"14:30"}""";
            var isTime = text.Length == 5 && Enumerable.Range(0, 24 * 60)
                .Any(minute => text == string.Create(CultureInfo.InvariantCulture, $"{minute / 60:00}:{minute % 60:00}"));
            if (isTime)
            {
                JsonSerializer.Serialize(JsonSerializer.Deserialize<OpeningSpan>(json, Json), Json).ShouldBe(json);
            }
            else
            {
                Should.Throw<JsonException>(() => { JsonSerializer.Deserialize<OpeningSpan>(json, Json); });
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("\"Monday, Saturday\"")]
    [InlineData("\"monday\"")]
    [InlineData("1")]
    public void A_day_that_is_not_one_of_the_names_is_malformed(string day) =>
        Should.Throw<JsonException>(() =>
        {
            JsonSerializer.Deserialize<OpeningHours>($$"""{"weekly":[{"day":{{day}},"opens":"11:00","closes":"14:30"}],"exceptions":[]}""", Json);
        });

    [Theory]
    [InlineData("null", "openingHours")]
    [InlineData("{}", "openingHours.weekly", "openingHours.exceptions")]
    [InlineData("""{"weekly":[null],"exceptions":[null]}""", "openingHours.weekly[0]", "openingHours.exceptions[0]")]
    [InlineData("""{"weekly":[],"exceptions":[{"date":"2026-12-25"}]}""", "openingHours.exceptions[0].spans")]
    [InlineData("""{"weekly":[],"exceptions":[{"date":"2026-12-25","spans":[null]}]}""", "openingHours.exceptions[0].spans[0]")]
    [InlineData("""{"weekly":[],"exceptions":[{"date":"2026-12-25","spans":[],"name":"\u0000"}]}""", "openingHours.exceptions[0].name")]
    [InlineData(
        """{"weekly":[],"exceptions":[{"date":"2026-12-25","spans":[]},{"date":"2026-12-25","spans":[]}]}""",
        "openingHours.exceptions[1].date")]
    [InlineData(
        """{"weekly":[],"exceptions":[{"date":"2026-12-25","spans":[{"opens":"18:00","closes":"02:00"},"""
        + """{"opens":"19:00","closes":"20:00"}]}]}""",
        "openingHours.exceptions[0].spans[1]")]
    [InlineData(
        """{"weekly":[{"day":"Sunday","opens":"01:00","closes":"03:00"},"""
        + """{"day":"Saturday","opens":"20:00","closes":"01:01"}],"exceptions":[]}""",
        "openingHours.weekly[1]")]
    [InlineData(
        """{"weekly":[{"day":"Friday","opens":"20:00","closes":"02:00"},"""
        + """{"day":"Saturday","opens":"01:00","closes":"03:00"}],"exceptions":[]}""",
        "openingHours.weekly[1]")]
    [InlineData(
        """{"weekly":[{"day":"Friday","opens":"09:00","closes":"09:00"},"""
        + """{"day":"Saturday","opens":"08:59","closes":"10:00"}],"exceptions":[]}""",
        "openingHours.weekly[1]")]
    public void What_breaks_a_rule_is_named(string json, params string[] fields) =>
        Check(JsonSerializer.Deserialize<OpeningHours>(json, Json)).Keys.ShouldBe(fields);

    [Fact]
    public void Spans_may_touch_and_those_of_an_exception_run_past_its_midnight() =>
        Check(new OpeningHours(
            [
                new(DayOfWeek.Saturday, new(20, 0), new(1, 0)),
                new(DayOfWeek.Sunday, new(1, 0), new(3, 0)),
                Lunch,
                new(DayOfWeek.Monday, new(14, 30), new(20, 0)),
            ],
            [new(new(2026, 12, 31), [new(new(0, 0), new(3, 0)), new(new(18, 0), new(4, 0))])])).ShouldBeEmpty();

    [Fact]
    public void There_is_a_most_of_everything()
    {
        var date = new DateOnly(2026, 1, 1);
        var spans = Enumerable.Range(0, OpeningHoursRules.MaxSpansPerException + 1)
            .Select(i => new OpeningSpan(new(i, 0), new(i, 30))).ToList();
        var weekly = Enumerable.Range(0, OpeningHoursRules.MaxWeeklySpans + 1)
            .Select(i => new WeeklySpan((DayOfWeek)(i % 7), new(i / 7, 0), new(i / 7, 30))).ToList();
        var exceptions = Enumerable.Range(0, OpeningHoursRules.MaxExceptions + 1)
            .Select(i => new OpeningException(date.AddDays(i), [])).ToList();
        var errors = Check(new(weekly, exceptions));
        errors.Keys.ShouldBe(["openingHours.weekly", "openingHours.exceptions"]);
        errors["openingHours.weekly"].ShouldBe(["must have at most 50 spans"]);
        errors["openingHours.exceptions"].ShouldBe(["must have at most 100 exceptions"]);
        Check(new([], [new(date, spans, new('x', OpeningHoursRules.MaxNameLength + 1))])).Keys
            .ShouldBe(["openingHours.exceptions[0].name", "openingHours.exceptions[0].spans"]);
        Check(new(weekly[1..], [.. exceptions[2..], new(date, spans[1..], new('x', OpeningHoursRules.MaxNameLength))])).ShouldBeEmpty();
    }

    [Fact]
    public void Exactly_the_spans_that_take_a_minute_of_another_are_named() =>
        Prop.ForAll(Weeks().ToArbitrary(), spans =>
        {
            // Every minute of the week, and every minute of a date and the day after, is painted by at most one span.
            var week = new bool[7 * 24 * 60];
            var day = new bool[2 * 24 * 60];
            var expected = new List<string>();
            for (var i = 0; i < spans.Length; i++)
            {
                expected.AddRange(Paint(week, 24 * (int)spans[i].Day, spans[i]) ? [] : [$"openingHours.weekly[{i}]"]);
            }

            for (var i = 0; i < spans.Length; i++)
            {
                expected.AddRange(Paint(day, 0, spans[i]) ? [] : [$"openingHours.exceptions[0].spans[{i}]"]);
            }

            var exception = new OpeningException(new(2026, 6, 10), [.. spans.Select(span => new OpeningSpan(span.Opens, span.Closes))]);
            Check(new(spans, [exception])).Keys.ShouldBe(expected);
        }).QuickCheckThrowOnFailure();

    private static bool Paint(bool[] minutes, int hour, WeeklySpan span)
    {
        var free = true;
        var time = span.Opens;
        var minute = (hour * 60) + (time.Hour * 60) + time.Minute;
        do
        {
            free &= !minutes[minute % minutes.Length];
            minutes[minute++ % minutes.Length] = true;
            time = time.AddMinutes(1);
        }
        while (time != span.Closes);
        return free;
    }

    private static Dictionary<string, string[]> Check(OpeningHours? hours)
    {
        var errors = new FieldErrors();
        OpeningHoursRules.Check(hours, "openingHours", errors);
        return new(errors.ToBadRequest().ProblemDetails.Errors);
    }

    // Few and short enough that about as many weeks have overlaps as have none, and that spans often touch.
    private static Gen<WeeklySpan[]> Weeks() =>
        from count in Gen.Choose(0, 6)
        from spans in Span().ArrayOf(count)
        select spans;

    private static Gen<WeeklySpan> Span() =>
        from day in Gen.Choose(0, 6)
        from opens in Gen.Choose(0, 23)
        from hours in Gen.Elements(1, 2, 3, 6, 24)
        from odd in Gen.Elements(0, 0, 0, 1)
        select new WeeklySpan((DayOfWeek)day, new TimeOnly(opens, 0), new TimeOnly((opens + hours) % 24, hours == 24 ? 0 : odd));

    // Times, and what is left of them after up to two characters were changed.
    private static Gen<string> Times() =>
        from minute in Gen.Choose(0, (24 * 60) - 1)
        from changes in Change().ListOf(2)
        select changes.Aggregate(
            string.Create(CultureInfo.InvariantCulture, $"{minute / 60:00}:{minute % 60:00}"),
            (text, change) =>
                text[..Math.Min(change.At, text.Length)] + change.With + text[Math.Min(change.At + change.Drop, text.Length)..]);

    private static Gen<(int At, int Drop, string With)> Change() =>
        from at in Gen.Choose(0, 5)
        from drop in Gen.Choose(0, 1)
        from with in Gen.Elements("", "0", "5", "9", ":", " ", "-", "+", "\0", "\u0661", "T", "Z", "\n", "\"")
        select (at, drop, with);
}
