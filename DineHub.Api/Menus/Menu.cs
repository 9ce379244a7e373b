using System.Text.Json.Serialization;
using DineHub.Api.Http;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Menus;

/// <summary>That something is off the menu for now ("86").</summary>
/// <param name="Until">When it comes back by itself, in UTC; null for until it is put back.</param>
public sealed record Unavailability(DateTimeOffset? Until);

/// <summary>How much is left of what is tracked.</summary>
[JsonConverter(typeof(StrictEnumConverter<StockMark>))]
public enum StockMark
{
    /// <summary>No more than the restaurant's low mark.</summary>
    Low,

    /// <summary>Nothing.</summary>
    Out,
}

/// <summary>When something is served: breakfast, lunch.</summary>
/// <param name="Name">What to call it; at most 50 characters.</param>
/// <param name="From">From when, in the restaurant's time zone, "HH:mm".</param>
/// <param name="Until">Until when; not after From: on the next day.</param>
/// <param name="Days">On which days of the week the window begins; null for all.</param>
public sealed record AvailabilityWindow(
    string Name,
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly From,
    [property: JsonRequired, JsonConverter(typeof(WallTimeConverter))] TimeOnly Until,
    IReadOnlyList<DayOfWeek>? Days = null);

/// <summary>One way to change an item: a size, an extra.</summary>
/// <param name="Id">Unique within its item; at most 64 characters.</param>
/// <param name="Name">The name.</param>
/// <param name="Price">What it adds to the item's price, in minor currency units, from 0.</param>
public sealed record ModifierOption(string Id, string Name, [property: JsonRequired] long Price)
{
    /// <summary>That it is off the menu for now; absent where it is not. Not read from requests.</summary>
    public Unavailability? Unavailable { get; init; }
}

/// <summary>Options of which a customer chooses some.</summary>
/// <param name="Id">Unique within its item.</param>
/// <param name="Name">The name.</param>
/// <param name="Min">The fewest options that must be chosen; 0 where none need be, at least 1 makes the group required.</param>
/// <param name="Max">The most options that may be chosen, from 1.</param>
/// <param name="Options">The options.</param>
public sealed record ModifierGroup(string Id, string Name, [property: JsonRequired] int Min, [property: JsonRequired] int Max, IReadOnlyList<ModifierOption> Options);

/// <summary>Something to order.</summary>
/// <param name="Id">Unique within the menu; at most 64 characters.</param>
/// <param name="Name">The name.</param>
/// <param name="Description">What it is.</param>
/// <param name="Price">The price in minor currency units, from 0, taxed as the restaurant says.</param>
/// <param name="Allergens">Of the 14 allergens of Regulation (EU) No 1169/2011, Annex II.</param>
/// <param name="Dietary">Marks such as vegetarian.</param>
/// <param name="ModifierGroups">How it can be changed.</param>
/// <param name="TaxRate">The id of one of the restaurant's other tax rates; null for the usual one.</param>
/// <param name="ImageUrl">A link into the image store.</param>
/// <param name="Windows">When it is served; null or empty for always.</param>
public sealed record MenuItem(
    string Id,
    string Name,
    string Description,
    [property: JsonRequired] long Price,
    IReadOnlyList<string> Allergens,
    IReadOnlyList<string> Dietary,
    IReadOnlyList<ModifierGroup> ModifierGroups,
    string? TaxRate = null,
    string? ImageUrl = null,
    IReadOnlyList<AvailabilityWindow>? Windows = null)
{
    /// <summary>That it is off the menu for now; absent where it is not. Not read from requests.</summary>
    public Unavailability? Unavailable { get; init; }

    /// <summary>That little or nothing is left; absent where there is enough, or nothing is tracked. Not read from requests.</summary>
    public StockMark? Stock { get; init; }
}

/// <summary>A part of the menu.</summary>
/// <param name="Id">Unique within the menu.</param>
/// <param name="Name">The name.</param>
/// <param name="Items">The items, in the order that they are shown in.</param>
/// <param name="Windows">When all of it is served; null or empty for always.</param>
public sealed record MenuCategory(string Id, string Name, IReadOnlyList<MenuItem> Items, IReadOnlyList<AvailabilityWindow>? Windows = null);

/// <summary>The document that is stored: a whole menu.</summary>
/// <param name="Categories">The categories, in the order that they are shown in.</param>
public sealed record MenuDocument(IReadOnlyList<MenuCategory> Categories);

/// <summary>A restaurant's menu.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="Version">Grows with every change, from 1.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="TimeZone">The IANA name of the time zone that windows are meant in.</param>
/// <param name="Categories">The categories, in the order that they are shown in.</param>
public sealed record Menu(Guid RestaurantId, int Version, string Currency, string TimeZone, IReadOnlyList<MenuCategory> Categories);

/// <summary>The body of taking something off the menu.</summary>
/// <param name="Until">When it comes back by itself, in UTC; null for until it is put back.</param>
public sealed record UnavailableRequest(DateTimeOffset? Until = null);

/// <summary>The body of tracking an item's stock.</summary>
/// <param name="Quantity">How many there are, 0 to 100000.</param>
/// <param name="LowMark">From how many on little is left, 0 to 100000; 0 unless given.</param>
public sealed record StockRequest(int? Quantity, int? LowMark = 0);

/// <summary>An item that is tracked.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Quantity">How many are left, from 0.</param>
/// <param name="LowMark">From how many on little is left.</param>
public sealed record StockLevel(string ItemId, int Quantity, int LowMark)
{
    /// <summary>Whether little or nothing is left.</summary>
    public StockMark? Mark => Quantity == 0 ? StockMark.Out : Quantity <= LowMark ? StockMark.Low : null;
}

/// <summary>What a restaurant tracks.</summary>
/// <param name="Items">The items, by id.</param>
public sealed record StockList(IReadOnlyList<StockLevel> Items);
