using DineHub.Api.Data;
using DineHub.Api.Restaurants;
using DineHub.Database.Connections;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace DineHub.Api.Menus;

/// <summary>
/// Reads menus, and keeps each for a moment. A copy that has gone stale meanwhile cannot sell at old prices, or what has run out,
/// because an order is stored only at the versions that the database has then.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="cache">Where copies are kept.</param>
/// <param name="time">The clock.</param>
internal sealed class MenuCatalog(ApiConnections database, IMemoryCache cache, TimeProvider time)
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
        var menu = await database.RunAsync((connection, token) => ReadAsync(connection, restaurantId, token), ct, repeatable: true);
        if (menu is not null)
        {
            cache.Set(restaurantId, menu, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = KeptFor });
        }

        return menu;
    }

    // One round trip, and no transaction: an order is stored only at the version of the menu that was read, and takes from the stock that there is then.
    private async Task<PublishedMenu?> ReadAsync(NpgsqlConnection connection, Guid restaurantId, CancellationToken ct)
    {
        await using var batch = connection.CreateBatch();
        Add(batch,
            $"""
            SELECT {RestaurantDirectory.Columns}, m.version, m.document, m.unavailable, {KitchenStore.Columns}
            FROM restaurants r JOIN menus m ON m.restaurant_id = r.id JOIN kitchens k ON k.restaurant_id = r.id
            WHERE r.id = $1 AND m.restaurant_id = $1 AND k.restaurant_id = $1
            """, restaurantId);
        Add(batch, $"SELECT {StockStore.Columns} FROM stock WHERE restaurant_id = $1", restaurantId);
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            return null;
        }

        const int Menu = RestaurantDirectory.ColumnCount;
        var restaurant = RestaurantDirectory.Read(reader);
        var version = reader.GetInt32(Menu);
        var document = reader.GetJson(Menu + 1, ApiJson.Default.MenuDocument);
        var unavailable = reader.GetJson(Menu + 2, ApiJson.Default.DictionaryStringUnavailability);
        var kitchen = KitchenStore.Read(reader, Menu + 3);
        await reader.NextResultAsync(ct);
        var stock = new List<StockLevel>();
        while (await reader.ReadAsync(ct))
        {
            stock.Add(StockStore.Read(reader));
        }

        return new PublishedMenu(restaurant, version, document, unavailable, stock, kitchen, time.GetUtcNow());
    }

    private static void Add(NpgsqlBatch batch, string sql, Guid restaurantId) =>
        batch.BatchCommands.Add(new NpgsqlBatchCommand(sql).With(restaurantId));
}
