using DineHub.Api.Http.Errors;

namespace DineHub.Api.Restaurants;

/// <summary>What opening hours must be. Of spans that overlap, all but the first in the list are named.</summary>
internal static class OpeningHoursRules
{
    public const int MaxWeeklySpans = 50;
    public const int MaxExceptions = 100;
    public const int MaxSpansPerException = 10;
    public const int MaxNameLength = 100;

    private const int Day = 24 * 60;
    private const int Week = 7 * Day;

    /// <summary>Adds what is wrong with the hours, which may hold nulls, as requests can.</summary>
    public static void Check(OpeningHours? hours, string field, FieldErrors errors)
    {
        if (hours is null)
        {
            errors.Add(field, "is required");
            return;
        }

        CheckWeekly(hours.Weekly, $"{field}.weekly", errors);
        CheckExceptions(hours.Exceptions, $"{field}.exceptions", errors);
    }

    private static void CheckWeekly(IReadOnlyList<WeeklySpan?>? spans, string field, FieldErrors errors)
    {
        if (!IsList(spans, field, MaxWeeklySpans, "spans", errors))
        {
            return;
        }

        // The week is a ring: what opens on Saturday can run into Sunday.
        CheckOverlaps([.. spans!.Select(span => span is null ? null : Stretch.Of(span))], field, errors, (a, b) =>
            Modulo(b.Start - a.Start) < a.Minutes || Modulo(a.Start - b.Start) < b.Minutes);
    }

    private static void CheckExceptions(IReadOnlyList<OpeningException?>? exceptions, string field, FieldErrors errors)
    {
        if (!IsList(exceptions, field, MaxExceptions, "exceptions", errors))
        {
            return;
        }

        var dates = new HashSet<DateOnly>();
        for (var i = 0; i < exceptions!.Count; i++)
        {
            if (exceptions[i] is not { } exception)
            {
                errors.Add($"{field}[{i}]", "is required");
                continue;
            }

            if (!dates.Add(exception.Date))
            {
                errors.Add($"{field}[{i}].date", "must not be the date of another exception");
            }

            errors.Limit($"{field}[{i}].name", exception.Name, MaxNameLength);
            CheckSpans(exception.Spans, $"{field}[{i}].spans", errors);
        }
    }

    private static void CheckSpans(IReadOnlyList<OpeningSpan?>? spans, string field, FieldErrors errors)
    {
        if (IsList(spans, field, MaxSpansPerException, "spans", errors))
        {
            CheckOverlaps([.. spans!.Select(span => span is null ? null : Stretch.Of(span))], field, errors, (a, b) =>
                a.Start < b.Start + b.Minutes && b.Start < a.Start + a.Minutes);
        }
    }

    private static bool IsList<T>(IReadOnlyList<T>? list, string field, int most, string what, FieldErrors errors)
    {
        if (list is null)
        {
            errors.Add(field, "is required");
        }
        else if (list.Count > most)
        {
            errors.Add(field, $"must have at most {most} {what}");
        }

        return list?.Count <= most;
    }

    private static void CheckOverlaps(Stretch?[] stretches, string field, FieldErrors errors, Func<Stretch, Stretch, bool> overlap)
    {
        for (var i = 0; i < stretches.Length; i++)
        {
            if (stretches[i] is not { } stretch)
            {
                errors.Add($"{field}[{i}]", "is required");
            }
            else if (stretches.Take(i).Any(earlier => earlier is not null && overlap(earlier, stretch)))
            {
                errors.Add($"{field}[{i}]", "must not overlap with another span");
            }
        }
    }

    private static int Modulo(int minutes) => (minutes + Week) % Week;

    /// <summary>A span on a line of minutes, which begins with the week or with the exception's date.</summary>
    private sealed record Stretch(int Start, int Minutes)
    {
        public static Stretch Of(WeeklySpan span) => new(((int)span.Day * Day) + Minute(span.Opens), Length(span.Opens, span.Closes));

        public static Stretch Of(OpeningSpan span) => new(Minute(span.Opens), Length(span.Opens, span.Closes));

        private static int Length(TimeOnly opens, TimeOnly closes) => Minute(closes) - Minute(opens) + (closes <= opens ? Day : 0);

        private static int Minute(TimeOnly time) => (time.Hour * 60) + time.Minute;
    }
}
