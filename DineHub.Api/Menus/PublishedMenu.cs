using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using DineHub.Api.Http.Caching;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Menus;

/// <summary>A restaurant with its menu at one version and what its kitchen says of it, ready to price baskets.</summary>
internal sealed class PublishedMenu
{
    private readonly FrozenDictionary<string, IReadOnlyList<AvailabilityWindow>> categoryWindows;

    public PublishedMenu(
        Restaurant restaurant,
        int version,
        MenuDocument document,
        IReadOnlyDictionary<string, Unavailability> unavailable,
        IReadOnlyList<StockLevel> stock,
        KitchenState kitchen,
        DateTimeOffset now)
    {
        Restaurant = restaurant;
        Version = version;
        Document = document;
        Unavailable = unavailable;
        Kitchen = kitchen;
        Stock = stock.ToFrozenDictionary(level => level.ItemId, StringComparer.Ordinal);
        Items = document.Categories.SelectMany(category => category.Items).ToFrozenDictionary(item => item.Id, StringComparer.Ordinal);
        categoryWindows = document.Categories
            .Where(category => category.Windows is { Count: > 0 })
            .SelectMany(category => category.Items.Select(item => (item.Id, Windows: category.Windows!)))
            .ToFrozenDictionary(pair => pair.Id, pair => pair.Windows, StringComparer.Ordinal);
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Menu(restaurant.Id, version, restaurant.Currency, restaurant.TimeZone, [.. document.Categories.Select(category => Mark(category, now))]),
            ApiJson.Default.Menu);
        Representations = new Representations(body, string.Create(CultureInfo.InvariantCulture, $"{version}-{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 6))}"));
    }

    public Restaurant Restaurant { get; }

    public int Version { get; }

    public MenuDocument Document { get; }

    public FrozenDictionary<string, MenuItem> Items { get; }

    /// <summary>What is off the menu, by "item" or "item/option".</summary>
    public IReadOnlyDictionary<string, Unavailability> Unavailable { get; }

    /// <summary>What is tracked, by item. May be seconds old: the database decides.</summary>
    public FrozenDictionary<string, StockLevel> Stock { get; }

    public KitchenState Kitchen { get; }

    /// <summary>
    /// The menu as it is sent. The entity tags change with each byte of it, which also marks what has run out; the version stands before their first
    /// hyphen.
    /// </summary>
    public Representations Representations { get; }

    /// <summary>Whether an item, or an option of it, is not off the menu at a time.</summary>
    public bool IsAvailable(string itemId, string? optionId, DateTimeOffset at) =>
        !Unavailable.TryGetValue(Key(itemId, optionId), out var mark) || mark.Until <= at;

    /// <summary>Whether an item is served at a time of the day.</summary>
    public bool IsServed(MenuItem item, DateTimeOffset at) =>
        IsIn(item.Windows, at) && (!categoryWindows.TryGetValue(item.Id, out var windows) || IsIn(windows, at));

    public static string Key(string itemId, string? optionId) => optionId is null ? itemId : $"{itemId}/{optionId}";

    private bool IsIn(IReadOnlyList<AvailabilityWindow>? windows, DateTimeOffset at) =>
        windows is null or [] || windows.Any(window =>
            Restaurant.Schedule.IsInWindow(window.From, window.Until, at)
            && (window.Days is null or [] || window.Days.Contains(BeganOn(window, at).DayOfWeek)));

    private DateOnly BeganOn(AvailabilityWindow window, DateTimeOffset at)
    {
        var today = Restaurant.Schedule.LocalDate(at);
        var pastMidnight = window.Until < window.From && !Restaurant.Schedule.IsInWindow(window.From, TimeOnly.MinValue, at);
        return pastMidnight ? today.AddDays(-1) : today;
    }

    private MenuCategory Mark(MenuCategory category, DateTimeOffset now) => category with
    {
        Items = [.. category.Items.Select(item => item with
        {
            Unavailable = MarkOf(item.Id, null, now),
            Stock = Stock.GetValueOrDefault(item.Id)?.Mark,
            ModifierGroups = [.. item.ModifierGroups.Select(group => group with
            {
                Options = [.. group.Options.Select(option => option with { Unavailable = MarkOf(item.Id, option.Id, now) })],
            })],
        })],
    };

    private Unavailability? MarkOf(string itemId, string? optionId, DateTimeOffset now) =>
        IsAvailable(itemId, optionId, now) ? null : Unavailable[Key(itemId, optionId)];
}
