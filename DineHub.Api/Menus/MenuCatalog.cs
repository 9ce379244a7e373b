using System.Collections.Frozen;
using DineHub.Api.Restaurants;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace DineHub.Api.Menus;

/// <summary>A restaurant with its menu at one version, ready to price baskets.</summary>
internal sealed record PublishedMenu(Restaurant Restaurant, Menu Menu)
{
    public FrozenDictionary<string, MenuItem> Items { get; } =
        Menu.Categories.SelectMany(category => category.Items).ToFrozenDictionary(item => item.Id, StringComparer.Ordinal);
}

/// <summary>
/// Reads menus, and keeps each for a moment. A copy that has gone stale meanwhile cannot sell at old prices, because an order is
/// stored only at the version that the database has then.
/// </summary>
/// <param name="dataSource">The database.</param>
/// <param name="cache">Where copies are kept.</param>
internal sealed class MenuCatalog(NpgsqlDataSource dataSource, IMemoryCache cache)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(5);

    /// <summary>The menu, at most 5 seconds old; null where there is no such restaurant.</summary>
    public async Task<PublishedMenu?> FindAsync(Guid restaurantId, CancellationToken ct)
    {
        if (cache.TryGetValue(restaurantId, out PublishedMenu? kept))
        {
            return kept;
        }

        return await ReloadAsync(restaurantId, ct);
    }

    /// <summary>The menu as the database has it now; null where there is no such restaurant.</summary>
    public async Task<PublishedMenu?> ReloadAsync(Guid restaurantId, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
            SELECT {RestaurantDirectory.Columns}, m.version, m.document
            FROM restaurants r JOIN menus m ON m.restaurant_id = r.id
            WHERE r.id = $1 AND m.restaurant_id = $1
            """);
        command.Parameters.Add(new() { Value = restaurantId });
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            return null;
        }

        var restaurant = RestaurantDirectory.Read(reader);
        var document = reader.GetJson(RestaurantDirectory.ColumnCount + 1, ApiJson.Default.MenuDocument);
        var menu = new PublishedMenu(
            restaurant, new Menu(restaurantId, reader.GetInt32(RestaurantDirectory.ColumnCount), restaurant.Currency, document.Categories));
        cache.Set(restaurantId, menu, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = KeptFor });
        return menu;
    }
}
