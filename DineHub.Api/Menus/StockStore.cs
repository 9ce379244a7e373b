using DineHub.Api.Data;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Menus;

/// <summary>Tracked stock. Every statement carries <c>restaurant_id</c>. Orders take from it in the statement that places them.</summary>
/// <param name="database">The database.</param>
/// <param name="time">The clock.</param>
internal sealed class StockStore(ApiConnections database, TimeProvider time)
{
    public const string Columns = "item_id, quantity, low_mark";

    /// <summary>The constraint that an order breaks which would take more than there is.</summary>
    public const string Constraint = "stock_is_not_oversold";

    public Task<List<StockLevel>> ListAsync(Guid restaurantId, CancellationToken ct) =>
        database.ListAsync($"SELECT {Columns} FROM stock WHERE restaurant_id = $1 ORDER BY item_id", Read, ct, restaurantId);

    /// <summary>Sets what there is; whether the item was tracked before.</summary>
    public async Task<bool> SetAsync(Guid restaurantId, StockLevel level, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token =>
            {
                object[] values = [restaurantId, level.ItemId, level.Quantity, level.LowMark, time.GetUtcNow()];
                if (await database.ExecuteAsync(
                    "UPDATE stock SET quantity = $3, low_mark = $4, updated_at = $5 WHERE restaurant_id = $1 AND item_id = $2", token, values) == 1)
                {
                    return true;
                }

                await database.ExecuteAsync(
                    "INSERT INTO stock (restaurant_id, item_id, quantity, low_mark, updated_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", token, values);
                return false;
            },
            ct);

    public async Task<bool> RemoveAsync(Guid restaurantId, string itemId, CancellationToken ct) =>
        await database.ExecuteAsync("DELETE FROM stock WHERE restaurant_id = $1 AND item_id = $2", ct, restaurantId, itemId) == 1;

    public static StockLevel Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetInt32(1), row.GetInt32(2));
}
