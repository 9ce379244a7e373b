using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Api.Http;

namespace DineHub.Api.Restaurants;

/// <summary>When a restaurant opens on one weekday, in its own wall time.</summary>
/// <param name="Day">The weekday that it opens on.</param>
/// <param name="Opens">The first minute that it is open: <c>HH:mm</c>.</param>
/// <param name="Closes">
/// The first minute that it is closed again: <c>HH:mm</c>. On the next day where it is not after <paramref name="Opens"/>; equal to it
/// means 24 hours.
/// </param>
public sealed record WeeklySpan(
    [property: JsonRequired, JsonConverter(typeof(StrictEnumConverter<DayOfWeek>))] DayOfWeek Day,
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly Opens,
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly Closes);

/// <summary>When a restaurant opens on one date, in its own wall time.</summary>
/// <param name="Opens">The first minute that it is open: <c>HH:mm</c>.</param>
/// <param name="Closes">
/// The first minute that it is closed again: <c>HH:mm</c>. On the next day where it is not after <paramref name="Opens"/>; equal to it
/// means 24 hours.
/// </param>
public sealed record OpeningSpan(
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly Opens,
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly Closes);

/// <summary>A date with other hours than the weekly ones: a holiday, a party.</summary>
/// <param name="Date">The restaurant's local date. A span of the previous day that runs past midnight is not cut.</param>
/// <param name="Spans">The spans of that date, at most 10; empty if the restaurant stays closed all day.</param>
/// <param name="Name">The name, for guests; at most 100 characters.</param>
[SuppressMessage("Naming", "CA1711", Justification = "It is an exception to the weekly hours.")]
public sealed record OpeningException([property: JsonRequired] DateOnly Date, IReadOnlyList<OpeningSpan> Spans, string? Name = null);

/// <summary>When a restaurant is open.</summary>
/// <param name="Weekly">Every week, at most 50 spans, which do not overlap.</param>
/// <param name="Exceptions">The dates that differ, at most 100.</param>
public sealed record OpeningHours(IReadOnlyList<WeeklySpan> Weekly, IReadOnlyList<OpeningException> Exceptions);

/// <summary>A wall clock's time in whole minutes, <c>HH:mm</c>, and nothing else.</summary>
internal sealed class WallTimeConverter : JsonConverter<TimeOnly>
{
    private const string Format = "HH:mm";

    public override TimeOnly Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
        && reader.GetString() is { Length: 5 } text
        && TimeOnly.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw new JsonException("A time must be written as HH:mm, from 00:00 to 23:59.");

    public override void Write(Utf8JsonWriter writer, TimeOnly value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString(Format, CultureInfo.InvariantCulture));
}
