using DineHub.Api.Accounts;
using DineHub.Api.Data;
using DineHub.Api.Http;
using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Orders;

/// <summary>
/// The orders of an account: a list on the account's shard of orders that live on their restaurants' shards. Statements on the list carry
/// <c>account_id</c>, those on orders <c>restaurant_id</c>.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="orders">The orders.</param>
/// <param name="directory">The restaurants.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class OrderHistory(
    ApiConnections database, OrderStore orders, RestaurantDirectory directory, TimeProvider time, ILogger<OrderHistory> logger)
{
    private const int Batch = 50;

    /// <summary>Lists an order that was just placed. Where that fails, upkeep does it: the order itself is safe.</summary>
    public async Task TryAddAsync(Guid accountId, Order order, string restaurantName, CancellationToken ct)
    {
        try
        {
            await AddAsync(accountId, order, restaurantName, ct);
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogLater(order.Id, e.Message.Split('\n')[0]);
        }
    }

    public Task AddAsync(Guid accountId, Order order, string restaurantName, CancellationToken ct) =>
        database.ExecuteAsync(
            """
            INSERT INTO account_orders (account_id, restaurant_id, order_id, restaurant_name, currency, total, placed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT DO NOTHING
            """, ct, accountId, order.RestaurantId, order.Id, restaurantName, order.Currency, order.Total, order.PlacedAt);

    /// <summary>A page, the newest first; each order with its stage, where its database answers.</summary>
    public async Task<OrderSummaryPage> ListAsync(Guid accountId, TimeCursor? after, int limit, CancellationToken ct)
    {
        var items = await ReadAsync(accountId, after, limit + 1, ct);
        var next = TimeCursor.Cut(items, limit, item => new TimeCursor(item.PlacedAt, item.OrderId));
        return new OrderSummaryPage(await Task.WhenAll(items.Select(item => WithStatusAsync(item, ct))), next);
    }

    /// <summary>Every order, whole, the newest first.</summary>
    public async Task<IReadOnlyList<Order>> ExportAsync(Guid accountId, CancellationToken ct)
    {
        var all = new List<Order>();
        TimeCursor? after = null;
        while (true)
        {
            var page = await ReadAsync(accountId, after, Batch, ct);
            foreach (var item in page)
            {
                if (await directory.FindAsync(item.RestaurantId, ct) is { } restaurant
                    && await orders.FindAsync(item.RestaurantId, restaurant.TimeZone, item.OrderId, ct) is { Order: var order })
                {
                    all.Add(order);
                }
            }

            if (page.Count < Batch)
            {
                return all;
            }

            after = new TimeCursor(page[^1].PlacedAt, page[^1].OrderId);
        }
    }

    /// <summary>Removes the person from every order; false, with nothing done, where one is still on its way.</summary>
    public async Task<bool> TryEraseAsync(Guid accountId, CancellationToken ct)
    {
        var all = await ExportAsync(accountId, ct);
        if (all.Any(order => !OrderLifecycle.IsFinal(order.Status)))
        {
            return false;
        }

        foreach (var order in all)
        {
            await orders.EraseAsync(order.RestaurantId, order.Id, time.GetUtcNow().ToMicroseconds(), ct);
        }

        return true;
    }

    private async Task<OrderSummary> WithStatusAsync(OrderSummary item, CancellationToken ct)
    {
        try
        {
            return item with { Status = (await orders.FindAsync(item.RestaurantId, "", item.OrderId, ct))?.Order.Status };
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            return item;
        }
    }

    private Task<List<OrderSummary>> ReadAsync(Guid accountId, TimeCursor? after, int limit, CancellationToken ct) =>
        database.ListAsync(
            """
            SELECT restaurant_id, restaurant_name, order_id, placed_at, currency, total FROM account_orders
            WHERE account_id = $1 AND ($2::timestamptz IS NULL OR (placed_at, order_id) < ($2::timestamptz, $3::uuid))
            ORDER BY placed_at DESC, order_id DESC
            LIMIT $4
            """,
            row => new OrderSummary(
                row.GetGuid(0), row.GetString(1), row.GetGuid(2), row.GetFieldValue<DateTimeOffset>(3), row.GetString(4), row.GetInt64(5), Status: null),
            ct,
            accountId,
            after?.At,
            after?.Id ?? Guid.Empty,
            limit);

    [LoggerMessage(1, LogLevel.Warning, "Order {OrderId} is not in its customer's list yet: {Reason}")]
    private partial void LogLater(Guid orderId, string reason);
}
