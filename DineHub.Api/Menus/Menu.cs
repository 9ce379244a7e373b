using System.Text.Json.Serialization;
using DineHub.Api.Http;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Menus;

/// <summary>A temporary unavailability ("86").</summary>
/// <param name="Until">When it ends by itself, in UTC; null: when it is put back.</param>
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

/// <summary>A time window in which something is served: breakfast, lunch.</summary>
/// <param name="Name">The name; at most 50 characters.</param>
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
/// <param name="Price">The surcharge on the item's price, in minor currency units, from 0.</param>
public sealed record ModifierOption(string Id, string Name, [property: JsonRequired] long Price)
{
    /// <summary>The item's unavailability; absent if the item is available. Ignored in requests.</summary>
    public Unavailability? Unavailable { get; init; }
}

/// <summary>A group of options to choose from.</summary>
/// <param name="Id">Unique within its item.</param>
/// <param name="Name">The name.</param>
/// <param name="Min">The minimum number of options to choose; 0 makes the group optional.</param>
/// <param name="Max">The maximum number of options to choose, from 1.</param>
/// <param name="Options">The options.</param>
public sealed record ModifierGroup(string Id, string Name, [property: JsonRequired] int Min, [property: JsonRequired] int Max, IReadOnlyList<ModifierOption> Options);

/// <summary>An item of the menu.</summary>
/// <param name="Id">Unique within the menu; at most 64 characters.</param>
/// <param name="Name">The name.</param>
/// <param name="Description">A description.</param>
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
    /// <summary>The item's unavailability; absent if the item is available. Ignored in requests.</summary>
    public Unavailability? Unavailable { get; init; }

    /// <summary>Low or exhausted stock; absent if there is enough, or if the stock is not tracked. Ignored in requests.</summary>
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
/// <param name="Until">When it ends by itself, in UTC; null: when it is put back.</param>
public sealed record UnavailableRequest(DateTimeOffset? Until = null);

/// <summary>The body of tracking an item's stock.</summary>
/// <param name="Quantity">The quantity, 0 to 100000.</param>
/// <param name="LowMark">The highest quantity that counts as low, 0 to 100000. Default: 0.</param>
public sealed record StockRequest(int? Quantity, int? LowMark = 0);

/// <summary>The stock of a tracked item.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Quantity">The remaining quantity, from 0.</param>
/// <param name="LowMark">The highest quantity that counts as low.</param>
public sealed record StockLevel(string ItemId, int Quantity, int LowMark)
{
    /// <summary>Whether the stock is low or exhausted.</summary>
    public StockMark? Mark => Quantity == 0 ? StockMark.Out : Quantity <= LowMark ? StockMark.Low : null;
}

/// <summary>A restaurant's tracked items.</summary>
/// <param name="Items">The items, by id.</param>
public sealed record StockList(IReadOnlyList<StockLevel> Items);
