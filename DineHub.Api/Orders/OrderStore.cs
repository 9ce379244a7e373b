using System.Text.Json;
using DineHub.Api.Menus;
using Npgsql;
using NpgsqlTypes;
using Polly;
using Polly.Retry;

namespace DineHub.Api.Orders;

/// <summary>An order with what is kept beside it.</summary>
internal sealed record StoredOrder(Order Order, byte[] RequestHash);

/// <summary>
/// Orders in the database. Every statement carries <c>restaurant_id</c> and so touches one shard; an order is one row and is placed
/// by one statement.
/// </summary>
/// <param name="dataSource">The database.</param>
internal sealed class OrderStore(NpgsqlDataSource dataSource)
{
    private const string Columns = """
        restaurant_id, id, status, fulfilment, customer, currency, lines, subtotal, tax, total, menu_version, placed_at, history,
        version, tracking_token, request_hash
        """;

    // Stock PostgreSQL runs statements on the workers at REPEATABLE READ: where Citus would wait and look again, it fails with 40001.
    // Nothing was written then, and a second try sees what the other transaction has done.
    private static readonly ResiliencePipeline RetryConflicts = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<PostgresException>(
                e => e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected),
            MaxRetryAttempts = 8,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(5),
            MaxDelay = TimeSpan.FromMilliseconds(200),
            UseJitter = true,
        })
        .Build();

    /// <summary>Stores an order, if its key is new and the menu is still at the order's version.</summary>
    /// <returns>Whether it was stored. Where not, the key is there already, or the menu has changed.</returns>
    public async Task<bool> TryPlaceAsync(Order order, string idempotencyKey, byte[] requestHash, CancellationToken ct) =>
        await RetryConflicts.ExecuteAsync(
            async token =>
            {
                await using var command = dataSource.CreateCommand(
                    """
                    INSERT INTO orders (restaurant_id, id, idempotency_key, request_hash, tracking_token, status, fulfilment, customer, currency,
                                        lines, subtotal, tax, total, menu_version, history, version, placed_at, updated_at)
                    SELECT m.restaurant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, m.version, $15, $16, $17, $17
                    FROM menus m
                    WHERE m.restaurant_id = $1 AND m.version = $14
                    ON CONFLICT DO NOTHING
                    """);
                command.Parameters.AddRange((NpgsqlParameter[])[
                    new() { Value = order.RestaurantId },
                    new() { Value = order.Id },
                    new() { Value = idempotencyKey },
                    new() { Value = requestHash },
                    new() { Value = order.TrackingToken },
                    new() { Value = order.Status.ToString() },
                    Json(JsonSerializer.Serialize(order.Fulfilment, ApiJson.Default.Fulfilment)),
                    Json(JsonSerializer.Serialize(order.Customer, ApiJson.Default.Customer)),
                    new() { Value = order.Currency },
                    Json(JsonSerializer.Serialize(order.Lines, ApiJson.Default.IReadOnlyListOrderLine)),
                    new() { Value = order.Subtotal },
                    new() { Value = order.Tax },
                    new() { Value = order.Total },
                    new() { Value = order.MenuVersion },
                    Json(JsonSerializer.Serialize(order.History, ApiJson.Default.IReadOnlyListOrderEvent)),
                    new() { Value = order.Version },
                    new() { Value = order.PlacedAt },
                ]);
                return await command.ExecuteNonQueryAsync(token) == 1;
            },
            ct);

    /// <summary>The order that was placed with a key; null where there is none.</summary>
    public Task<StoredOrder?> FindByKeyAsync(PublishedMenu menu, string idempotencyKey, CancellationToken ct) =>
        ReadOneAsync(
            $"SELECT {Columns} FROM orders WHERE restaurant_id = $1 AND idempotency_key = $2",
            menu,
            ct,
            new() { Value = menu.Restaurant.Id },
            new() { Value = idempotencyKey });

    /// <summary>An order; null where there is none.</summary>
    public async Task<Order?> FindAsync(PublishedMenu menu, Guid orderId, CancellationToken ct) =>
        (await ReadOneAsync(
            $"SELECT {Columns} FROM orders WHERE restaurant_id = $1 AND id = $2",
            menu,
            ct,
            new() { Value = menu.Restaurant.Id },
            new() { Value = orderId }))?.Order;

    /// <summary>Moves an order to a stage, if it is in one that may come before it, and at the expected version where one is given.</summary>
    /// <returns>The order after the change; null where it was not changed.</returns>
    public async Task<Order?> TryAdvanceAsync(PublishedMenu menu, Guid orderId, OrderEvent change, int? expectedVersion, CancellationToken ct) =>
        await RetryConflicts.ExecuteAsync(
            async token => (await ReadOneAsync(
                $"""
                UPDATE orders
                SET status = $3, history = history || $4, version = version + 1, updated_at = $5
                WHERE restaurant_id = $1 AND id = $2 AND status = ANY ($6) AND ($7 = 0 OR version = $7)
                RETURNING {Columns}
                """,
                menu,
                token,
                new() { Value = menu.Restaurant.Id },
                new() { Value = orderId },
                new() { Value = change.Status.ToString() },
                Json(JsonSerializer.Serialize([change], ApiJson.Default.IReadOnlyListOrderEvent)),
                new() { Value = change.At },
                new() { Value = OrderLifecycle.Before(change.Status).Select(status => status.ToString()).ToArray() },
                new() { Value = expectedVersion ?? 0 }))?.Order,
            ct);

    private async Task<StoredOrder?> ReadOneAsync(string sql, PublishedMenu menu, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
        {
            return null;
        }

        var order = new Order(
            row.GetGuid(0),
            row.GetGuid(1),
            Enum.Parse<OrderStatus>(row.GetString(2)),
            row.GetJson(3, ApiJson.Default.Fulfilment),
            row.GetJson(4, ApiJson.Default.Customer),
            row.GetString(5),
            row.GetJson(6, ApiJson.Default.IReadOnlyListOrderLine),
            row.GetInt64(7),
            row.GetInt64(8),
            row.GetInt64(9),
            row.GetInt32(10),
            menu.Restaurant.TimeZone,
            row.GetFieldValue<DateTimeOffset>(11),
            row.GetJson(12, ApiJson.Default.IReadOnlyListOrderEvent),
            row.GetInt32(13),
            row.GetString(14));
        return new StoredOrder(order, row.GetFieldValue<byte[]>(15));
    }

    private static NpgsqlParameter Json(string text) => new() { Value = text, NpgsqlDbType = NpgsqlDbType.Jsonb };
}
