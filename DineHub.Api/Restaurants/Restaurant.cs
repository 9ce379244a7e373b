using System.Text.Json.Serialization;

namespace DineHub.Api.Restaurants;

/// <summary>A rate of tax beside the usual one.</summary>
/// <param name="Id">The id that menu items refer to; unique within the restaurant; at most 64 characters.</param>
/// <param name="RateBasisPoints">The rate in hundredths of a percent, 0 to 10000: 550 is 5.5 %.</param>
public sealed record TaxRate(string Id, [property: JsonRequired] int RateBasisPoints);

/// <summary>How a restaurant's prices are taxed.</summary>
/// <param name="RateBasisPoints">The usual rate in hundredths of a percent, 0 to 10000: 1350 is 13.5 %.</param>
/// <param name="Included">Whether the menu's prices include the tax (usual in Europe) or it is added to them (usual in the USA).</param>
/// <param name="OtherRates">Rates for items that name one; at most 10.</param>
public sealed record Tax([property: JsonRequired] int RateBasisPoints, [property: JsonRequired] bool Included, IReadOnlyList<TaxRate>? OtherRates = null);

/// <summary>A restaurant's delivery terms.</summary>
/// <param name="RadiusMeters">The maximum distance from the restaurant in a straight line, 1 to 100000 metres.</param>
/// <param name="Fee">What it costs, in minor currency units, from 0; not taxed.</param>
public sealed record DeliveryTerms([property: JsonRequired] int RadiusMeters, [property: JsonRequired] long Fee);

/// <summary>A restaurant's profile, maintained by its owner.</summary>
/// <param name="Name">The name; 1 to 100 characters.</param>
/// <param name="Description">One sentence; at most 500 characters.</param>
/// <param name="Phone">A telephone number; at most 30 characters.</param>
/// <param name="City">The city; 1 to 100 characters.</param>
/// <param name="Address">The postal address; 1 to 300 characters.</param>
/// <param name="Latitude">Degrees north, -90 to 90 (WGS 84).</param>
/// <param name="Longitude">Degrees east, -180 to 180 (WGS 84).</param>
/// <param name="Cuisines">The cuisines; at most 10.</param>
/// <param name="Tax">How its prices are taxed.</param>
/// <param name="TimeZone">The IANA name of its time zone.</param>
/// <param name="OpeningHours">When it is open.</param>
/// <param name="MinimumOrder">The minimum subtotal of an order, in minor currency units, from 0.</param>
/// <param name="PreparationMinutes">The preparation time of an order in an idle kitchen, 1 to 240 minutes.</param>
/// <param name="Pickup">Whether orders can be picked up.</param>
/// <param name="TableService">Whether orders are served at tables.</param>
/// <param name="Delivery">The delivery terms; null without delivery.</param>
public sealed record RestaurantProfile(
    string? Name,
    string? Description,
    string? Phone,
    string? City,
    string? Address,
    double? Latitude,
    double? Longitude,
    IReadOnlyList<string?>? Cuisines,
    Tax? Tax,
    string? TimeZone,
    OpeningHours? OpeningHours,
    long? MinimumOrder = 0,
    int? PreparationMinutes = 20,
    bool? Pickup = true,
    bool? TableService = true,
    DeliveryTerms? Delivery = null);

/// <summary>The body of creating a restaurant.</summary>
/// <param name="Slug">A readable name for URLs, unique: lower-case letters, digits and hyphens, 1 to 64.</param>
/// <param name="Region">The region that stores its data.</param>
/// <param name="Currency">The ISO 4217 code of all its amounts, for good.</param>
/// <param name="Profile">The profile, which the owner may change later.</param>
public sealed record CreateRestaurantRequest(string? Slug, string? Region, string? Currency, RestaurantProfile? Profile);

/// <summary>A restaurant, as the directory shows it.</summary>
/// <param name="Id">The restaurant's id, which stands in the route of everything that is the restaurant's.</param>
/// <param name="Slug">A readable name for URLs, unique.</param>
/// <param name="Name">The name.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Phone">A telephone number.</param>
/// <param name="Region">The region that stores its data.</param>
/// <param name="City">The city.</param>
/// <param name="Address">The postal address.</param>
/// <param name="Latitude">Degrees north, -90 to 90 (WGS 84).</param>
/// <param name="Longitude">Degrees east, -180 to 180 (WGS 84).</param>
/// <param name="Cuisines">The cuisines.</param>
/// <param name="Currency">The ISO 4217 code of all its amounts.</param>
/// <param name="Tax">How its prices are taxed.</param>
/// <param name="TimeZone">The IANA name of its time zone.</param>
/// <param name="OpeningHours">When it is open.</param>
/// <param name="MinimumOrder">The minimum subtotal of an order, in minor currency units.</param>
/// <param name="PreparationMinutes">The preparation time of an order in an idle kitchen, in minutes.</param>
/// <param name="Pickup">Whether orders can be picked up.</param>
/// <param name="TableService">Whether orders are served at tables.</param>
/// <param name="Delivery">The delivery terms; null without delivery.</param>
/// <param name="ClosedAt">When it closed for good, in UTC; null while it trades.</param>
/// <param name="PausedUntil">End of the pause, in UTC; null outside one.</param>
/// <param name="Version">Grows with every change of the profile, from 1; the ETag.</param>
public sealed record Restaurant(
    Guid Id,
    string Slug,
    string Name,
    string Description,
    string Phone,
    string Region,
    string City,
    string Address,
    double Latitude,
    double Longitude,
    IReadOnlyList<string> Cuisines,
    string Currency,
    Tax Tax,
    string TimeZone,
    OpeningHours OpeningHours,
    long MinimumOrder,
    int PreparationMinutes,
    bool Pickup,
    bool TableService,
    DeliveryTerms? Delivery,
    DateTimeOffset? ClosedAt,
    DateTimeOffset? PausedUntil,
    int Version)
{
    /// <summary>Whether it is within its opening hours at the time of the response.</summary>
    public bool? OpenNow { get; init; }

    /// <summary>Whether it accepts orders at the time of the response: open, not paused, not closed for good.</summary>
    public bool? AcceptingOrders { get; init; }

    /// <summary>When it opens next, in UTC; null while it is open, or where it does not open within 60 days.</summary>
    public DateTimeOffset? NextOpening { get; init; }

    /// <summary>The distance from the search's point, in metres; null without one.</summary>
    public double? DistanceMeters { get; init; }

    /// <summary>When it is open, ready to be asked.</summary>
    internal Schedule Schedule { get; } = new(OpeningHours, TimeZone);

    /// <summary>How far ahead an order can be scheduled.</summary>
    internal static readonly TimeSpan FurthestSlot = TimeSpan.FromDays(7);

    /// <summary>The first time that an order can be scheduled for.</summary>
    internal DateTimeOffset EarliestSlot(DateTimeOffset now) => now.AddMinutes(PreparationMinutes);

    /// <summary>The same with what holds at a moment.</summary>
    internal Restaurant At(DateTimeOffset now)
    {
        var open = ClosedAt is null && Schedule.IsOpenAt(now);
        var paused = PausedUntil > now ? PausedUntil : null;
        return this with
        {
            PausedUntil = paused,
            OpenNow = open,
            AcceptingOrders = open && paused is null,
            NextOpening = open || ClosedAt is not null ? null : Schedule.NextOpening(now),
        };
    }
}

/// <summary>A page of the directory.</summary>
/// <param name="Items">The restaurants, by name, or by distance where a point was given.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> for the next page; null on the last.</param>
public sealed record RestaurantPage(IReadOnlyList<Restaurant> Items, string? NextCursor);

/// <summary>The times that an order can be scheduled for.</summary>
/// <param name="Date">The day, in the restaurant's time zone.</param>
/// <param name="TimeZone">The IANA name of the restaurant's time zone.</param>
/// <param name="Slots">The beginnings of the slots, in UTC, 15 minutes apart.</param>
public sealed record SlotList(DateOnly Date, string TimeZone, IReadOnlyList<DateTimeOffset> Slots);
