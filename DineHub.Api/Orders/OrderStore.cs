using DineHub.Api.Data;
using DineHub.Api.Http;
using DineHub.Api.Menus;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Orders;

/// <summary>An order with what is kept beside it.</summary>
internal sealed record StoredOrder(Order Order, byte[] RequestHash, Guid? AccountId, IReadOnlyList<TakenStock>? StockTaken);

/// <summary>What an order took from stock.</summary>
internal sealed record TakenStock(string ItemId, int Quantity);

/// <summary>What storing an order came to.</summary>
internal enum StoreResult
{
    Stored,

    /// <summary>Its key is there already, or the menu has changed.</summary>
    NotStored,

    /// <summary>There was less in stock than it would take; nothing was taken.</summary>
    OutOfStock,
}

/// <summary>A change of an order's stage, and when it may be made.</summary>
/// <param name="Event">The stage, the time and the reason.</param>
/// <param name="From">The stages that it may be made from.</param>
/// <param name="ExpectedVersion">The version that it may be made at; null for any.</param>
internal sealed record OrderChange(OrderEvent Event, IReadOnlyList<OrderStatus> From, int? ExpectedVersion = null);

/// <summary>
/// Orders in the database. Every statement carries <c>restaurant_id</c> and so touches one shard; an order is one row and is placed
/// by one statement.
/// </summary>
/// <param name="database">The database.</param>
internal sealed class OrderStore(ApiConnections database)
{
    private const string Columns = """
        restaurant_id, id, status, fulfilment, customer, currency, lines, subtotal, tax, delivery_fee, tip, total, menu_version, payment, note,
        scheduled_for, ready_by, expires_at, placed_at, history, version, tracking_token, request_hash, account_id, stock_taken
        """;

    private const string Insert = """
        INSERT INTO orders (restaurant_id, id, idempotency_key, request_hash, tracking_token, status, fulfilment, customer, currency,
                            lines, subtotal, tax, total, menu_version, history, version, placed_at, updated_at,
                            note, account_id, payment, delivery_fee, tip, scheduled_for, ready_by, expires_at, stock_taken)
        SELECT shop.restaurant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, shop.version, $15, $16, $17, $17,
               $18, $19::uuid, $20, $21, $22, $23::timestamptz, $24::timestamptz, $25::timestamptz, $26::jsonb
        """;

    // At the version that the order was examined at: prices, terms, what is off the menu and a pause each make a new one.
    private const string Shop = "SELECT restaurant_id, version FROM menus WHERE restaurant_id = $1 AND version = $14";

    private const string Place = $"{Insert} FROM ({Shop}) AS shop ON CONFLICT DO NOTHING";

    // Taking more than there is breaks a constraint, and with it the order.
    private const string Take = $"""
        UPDATE stock SET quantity = quantity - ($5::integer[])[array_position($4::text[], item_id)], updated_at = $3
        WHERE restaurant_id = $1 AND item_id = ANY ($4::text[]) AND EXISTS (SELECT FROM menus WHERE restaurant_id = $1 AND version = $2)
        """;

    /// <summary>Stores an order, if its key is new, and the menu is at the version that the order was examined at. Its key lets it take place once.</summary>
    public async Task<StoreResult> TryPlaceAsync(
        Order order, string idempotencyKey, byte[] requestHash, Guid? accountId, IReadOnlyList<TakenStock> stock, CancellationToken ct)
    {
        object?[] values =
        [
            order.RestaurantId,
            order.Id,
            idempotencyKey,
            requestHash,
            order.TrackingToken,
            order.Status.ToString(),
            Sql.Json(order.Fulfilment, ApiJson.Default.Fulfilment),
            Sql.Json(order.Customer, ApiJson.Default.Customer),
            order.Currency,
            Sql.Json(order.Lines, ApiJson.Default.IReadOnlyListOrderLine),
            order.Subtotal,
            order.Tax,
            order.Total,
            order.MenuVersion,
            Sql.Json(order.History, ApiJson.Default.IReadOnlyListOrderEvent),
            order.Version,
            order.PlacedAt,
            order.Note,
            accountId,
            order.Payment.ToString(),
            order.DeliveryFee,
            order.Tip,
            order.ScheduledFor,
            order.ReadyBy,
            order.ExpiresAt,
            stock.Count == 0 ? null : Sql.Json(stock, ApiJson.Default.IReadOnlyListTakenStock),
        ];
        var stored = stock.Count == 0
            ? await Sql.RetryConflicts.ExecuteAsync(async token => await database.ExecuteRepeatableAsync(Place, token, values), ct)
            : await PlaceAndTakeAsync(order, stock, values, ct);
        return stored switch
        {
            null => StoreResult.OutOfStock,
            1 => StoreResult.Stored,
            _ => StoreResult.NotStored,
        };
    }

    /// <summary>
    /// Takes from stock and stores, in one transaction on one shard: as one statement with both, Citus would commit it in two phases, and a customer who goes away
    /// in between would leave the rows of the stock locked.
    /// </summary>
    /// <returns>How many orders were stored; null where there is less in stock.</returns>
    private async Task<int?> PlaceAndTakeAsync(Order order, IReadOnlyList<TakenStock> stock, object?[] values, CancellationToken ct)
    {
        try
        {
            return await database.TransactAsync<int?>(
                async (connection, token) =>
                {
                    await using var batch = connection.CreateBatch();
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(Take).With(
                        order.RestaurantId, order.MenuVersion, order.PlacedAt, stock.Select(taken => taken.ItemId).ToArray(), stock.Select(taken => taken.Quantity).ToArray()));
                    var place = new NpgsqlBatchCommand(Place).With(values);
                    batch.BatchCommands.Add(place);
                    await batch.ExecuteNonQueryAsync(token);
                    return place.RecordsAffected;
                },
                ct,
                commits: stored => stored == 1,
                repeatable: true);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.CheckViolation && e.MessageText.Contains(StockStore.Constraint, StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>The order that was placed with a key, as durable as when it is placed; null where there is none.</summary>
    public async Task<StoredOrder?> FindByKeyAsync(Guid restaurantId, string timeZone, string idempotencyKey, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.FirstAsync(
                // The order found is acknowledged to the client. It may be on the primary only: the first client may have been cut off while the
                // commit waited for the synchronous standby. Locking the row is a write of its own, later in the log, whose commit waits for the
                // standby too (RecordTransactionCommit: it has a transaction id and wrote WAL).
                $"SELECT {Columns} FROM orders WHERE restaurant_id = $1 AND idempotency_key = $2 FOR UPDATE",
                row => Read(row, timeZone),
                token,
                restaurantId,
                idempotencyKey),
            ct);

    /// <summary>An order; null where there is none.</summary>
    public Task<StoredOrder?> FindAsync(Guid restaurantId, string timeZone, Guid orderId, CancellationToken ct) =>
        database.FirstAsync(
            $"SELECT {Columns} FROM orders WHERE restaurant_id = $1 AND id = $2", row => Read(row, timeZone), ct, restaurantId, orderId);

    /// <summary>A restaurant's orders, the newest first.</summary>
    /// <param name="restaurantId">The restaurant.</param>
    /// <param name="timeZone">Its time zone.</param>
    /// <param name="statuses">The stages that they are in; null for any.</param>
    /// <param name="from">Earliest time of placing; null for no lower bound.</param>
    /// <param name="until">Upper bound of the time of placing, exclusive; null for none.</param>
    /// <param name="after">The position to go on behind.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="ct">Cancels it.</param>
    public Task<List<StoredOrder>> ListAsync(
        Guid restaurantId,
        string timeZone,
        IReadOnlyList<OrderStatus>? statuses,
        DateTimeOffset? from,
        DateTimeOffset? until,
        TimeCursor? after,
        int limit,
        CancellationToken ct) =>
        database.ListAsync(
            $"""
            SELECT {Columns} FROM orders
            WHERE restaurant_id = $1
              AND ($2::text[] IS NULL OR status = ANY ($2::text[]))
              AND ($3::timestamptz IS NULL OR placed_at >= $3::timestamptz)
              AND ($4::timestamptz IS NULL OR placed_at < $4::timestamptz)
              AND ($5::timestamptz IS NULL OR (placed_at, id) < ($5::timestamptz, $6::uuid))
            ORDER BY placed_at DESC, id DESC
            LIMIT $7
            """,
            row => Read(row, timeZone),
            ct,
            restaurantId,
            statuses?.Select(status => status.ToString()).ToArray(),
            from,
            until,
            after?.At,
            after?.Id ?? Guid.Empty,
            limit);

    /// <summary>The orders that have changed after a time, the oldest change first.</summary>
    public Task<List<(Order Order, DateTimeOffset ChangedAt)>> ListChangedAsync(
        Guid restaurantId, string timeZone, DateTimeOffset after, int limit, CancellationToken ct) =>
        database.ListAsync(
            $"SELECT {Columns}, updated_at FROM orders WHERE restaurant_id = $1 AND updated_at > $2 ORDER BY updated_at, id LIMIT $3",
            row => (Read(row, timeZone).Order, row.GetFieldValue<DateTimeOffset>(25)),
            ct,
            restaurantId,
            after,
            limit);

    /// <summary>Orders that were not answered in time.</summary>
    public Task<List<Guid>> ListOverdueAsync(Guid restaurantId, DateTimeOffset now, int limit, CancellationToken ct) =>
        database.ListAsync(
            "SELECT id FROM orders WHERE restaurant_id = $1 AND status = 'Placed' AND expires_at <= $2 ORDER BY expires_at LIMIT $3",
            row => row.GetGuid(0), ct, restaurantId, now, limit);

    /// <summary>Moves an order to a stage, if it may be moved; what was taken from stock is put back where it was not cooked.</summary>
    /// <returns>The order after the change; null where it was not changed.</returns>
    public Task<StoredOrder?> TryAdvanceAsync(Guid restaurantId, string timeZone, Guid orderId, OrderChange change, CancellationToken ct)
    {
        // Set before a commit is sent: where its answer is lost, the next run finds the order changed, and looks whether that was this change.
        StoredOrder? before = null;
        return database.TransactAsync(
            async (connection, token) =>
            {
                if (await UpdateAsync(connection, restaurantId, timeZone, orderId, change, token) is not { } changed)
                {
                    return Volatile.Read(ref before) is { } done && await IsAdvancedAsync(connection, restaurantId, orderId, change, token) ? done : null;
                }

                var status = change.Event.Status;
                var cooked = changed.Order.History.Any(stage => stage.Status == OrderStatus.Preparing);
                if (status is OrderStatus.Rejected or OrderStatus.Cancelled or OrderStatus.Expired && changed.StockTaken is { } taken && !cooked)
                {
                    await using var putBack = new NpgsqlCommand(
                        """
                        UPDATE stock SET quantity = quantity + ($4::integer[])[array_position($3::text[], item_id)], updated_at = $2
                        WHERE restaurant_id = $1 AND item_id = ANY ($3::text[])
                        """, connection).With(
                        restaurantId, change.Event.At, taken.Select(item => item.ItemId).ToArray(), taken.Select(item => item.Quantity).ToArray());
                    await putBack.ExecuteNonQueryAsync(token);
                }

                Volatile.Write(ref before, changed);
                return changed;
            },
            ct,
            repeatable: true);
    }

    /// <summary>Whether a change of an order has taken place, as durably as when it is made: see <see cref="FindByKeyAsync"/>.</summary>
    internal static async Task<bool> IsAdvancedAsync(
        NpgsqlConnection connection, Guid restaurantId, Guid orderId, OrderChange change, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT history FROM orders WHERE restaurant_id = $1 AND id = $2 FOR UPDATE", connection).With(restaurantId, orderId);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) && row.GetJson(0, ApiJson.Default.IReadOnlyListOrderEvent).Contains(change.Event);
    }

    /// <summary>Removes the person from an order that is over: amounts, items and stages stay.</summary>
    /// <returns>False where there is none, or it is not over.</returns>
    public async Task<bool> EraseAsync(Guid restaurantId, Guid orderId, DateTimeOffset now, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token =>
            {
                if (await FindAsync(restaurantId, "", orderId, token) is not { Order: var order } || !OrderLifecycle.IsFinal(order.Status))
                {
                    return false;
                }

                var lines = order.Lines.Select(line => line with { Note = null }).ToList();
                return await database.ExecuteAsync(
                    """
                    UPDATE orders
                    SET customer = $4, fulfilment = $5, lines = $6, note = NULL, account_id = NULL, erased_at = $3, updated_at = $3, version = version + 1
                    WHERE restaurant_id = $1 AND id = $2 AND version = $7
                    """,
                    token,
                    restaurantId,
                    orderId,
                    now,
                    Sql.Json(new Customer(), ApiJson.Default.Customer),
                    Sql.Json(new Fulfilment(order.Fulfilment.Type), ApiJson.Default.Fulfilment),
                    Sql.Json(lines, ApiJson.Default.IReadOnlyListOrderLine),
                    order.Version) == 1;
            },
            ct);

    /// <summary>Orders of accounts that no account lists yet.</summary>
    public Task<List<StoredOrder>> ListUnlistedAsync(Guid restaurantId, DateTimeOffset before, int limit, CancellationToken ct) =>
        database.ListAsync(
            $"""
            SELECT {Columns} FROM orders
            WHERE restaurant_id = $1 AND account_id IS NOT NULL AND NOT listed AND placed_at < $2
            ORDER BY placed_at LIMIT $3
            """, row => Read(row, ""), ct, restaurantId, before, limit);

    public async Task SetListedAsync(Guid restaurantId, IReadOnlyList<Guid> orderIds, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteAsync(
                "UPDATE orders SET listed = true WHERE restaurant_id = $1 AND id = ANY ($2)", token, restaurantId, orderIds.ToArray()),
            ct);

    private static async Task<StoredOrder?> UpdateAsync(
        NpgsqlConnection connection, Guid restaurantId, string timeZone, Guid orderId, OrderChange change, CancellationToken ct)
    {
        // An overdue order cannot be accepted, and an order that is not overdue cannot expire.
        await using var command = new NpgsqlCommand(
            $"""
            UPDATE orders
            SET status = $3, history = history || $4, version = version + 1, updated_at = $5
            WHERE restaurant_id = $1 AND id = $2 AND status = ANY ($6) AND ($7 = 0 OR version = $7)
              AND ($3 <> 'Accepted' OR expires_at IS NULL OR expires_at > $5)
              AND ($3 <> 'Expired' OR expires_at <= $5)
            RETURNING {Columns}
            """, connection).With(
            restaurantId,
            orderId,
            change.Event.Status.ToString(),
            Sql.Json([change.Event], ApiJson.Default.IReadOnlyListOrderEvent),
            change.Event.At,
            change.From.Select(status => status.ToString()).ToArray(),
            change.ExpectedVersion ?? 0);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row, timeZone) : null;
    }

    private static StoredOrder Read(NpgsqlDataReader row, string timeZone) => new(
        new Order(
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
            row.GetInt64(10),
            row.GetInt64(11),
            row.GetInt32(12),
            timeZone,
            Enum.Parse<PaymentMethod>(row.GetString(13)),
            row.GetNullableString(14),
            row.GetNullable<DateTimeOffset>(15),
            row.GetNullable<DateTimeOffset>(16),
            row.GetNullable<DateTimeOffset>(17),
            row.GetFieldValue<DateTimeOffset>(18),
            row.GetJson(19, ApiJson.Default.IReadOnlyListOrderEvent),
            row.GetInt32(20),
            row.GetString(21)),
        row.GetFieldValue<byte[]>(22),
        row.GetNullable<Guid>(23),
        row.IsDBNull(24) ? null : row.GetJson(24, ApiJson.Default.IReadOnlyListTakenStock));
}
