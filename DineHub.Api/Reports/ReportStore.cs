using System.Runtime.CompilerServices;
using DineHub.Api.Data;
using DineHub.Api.Orders;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Reports;

/// <summary>Reports over the orders of one restaurant, computed by its shard. Every statement carries <c>restaurant_id</c>.</summary>
/// <param name="database">The database.</param>
internal sealed class ReportStore(ApiConnections database)
{
    /// <summary>How many orders are read at once.</summary>
    private const int Page = 500;

    private const string Sold = """
        o.restaurant_id = $1 AND o.placed_at >= $2 AND o.placed_at < $3 AND o.status NOT IN ('Rejected', 'Cancelled', 'Expired')
        """;

    public Task<List<SalesDay>> SalesAsync(Guid restaurantId, DateTimeOffset from, DateTimeOffset until, string timeZone, CancellationToken ct) =>
        database.ListAsync(
            $"""
            SELECT (o.placed_at AT TIME ZONE $4)::date, count(*), sum(o.subtotal)::bigint, sum(o.tax)::bigint, sum(o.delivery_fee)::bigint,
                   sum(o.tip)::bigint, sum(o.total)::bigint
            FROM orders o WHERE {Sold}
            GROUP BY 1 ORDER BY 1
            """,
            row => new SalesDay(
                row.GetFieldValue<DateOnly>(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6)),
            ct, restaurantId, from, until, timeZone);

    public Task<List<ItemSales>> BestSellersAsync(Guid restaurantId, DateTimeOffset from, DateTimeOffset until, int limit, CancellationToken ct) =>
        database.ListAsync(
            $"""
            SELECT line ->> 'itemId', (array_agg(line ->> 'name' ORDER BY o.placed_at DESC))[1],
                   sum((line ->> 'quantity')::bigint)::bigint, sum((line ->> 'total')::bigint)::bigint
            FROM orders o, jsonb_array_elements(o.lines) AS line
            WHERE {Sold}
            GROUP BY 1 ORDER BY 3 DESC, 4 DESC, 1
            LIMIT $4
            """,
            row => new ItemSales(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3)),
            ct, restaurantId, from, until, limit);

    public Task<List<StageDuration>> StagesAsync(Guid restaurantId, DateTimeOffset from, DateTimeOffset until, CancellationToken ct) =>
        database.ListAsync(
            """
            SELECT stage.status, count(*), avg(stage.seconds)::float8, percentile_cont(0.95) WITHIN GROUP (ORDER BY stage.seconds)
            FROM (
                SELECT event ->> 'status' AS status,
                       extract(epoch FROM lead((event ->> 'at')::timestamptz) OVER (PARTITION BY o.id ORDER BY position) - (event ->> 'at')::timestamptz)::float8 AS seconds
                FROM orders o, jsonb_array_elements(o.history) WITH ORDINALITY AS stages (event, position)
                WHERE o.restaurant_id = $1 AND o.placed_at >= $2 AND o.placed_at < $3) AS stage
            WHERE stage.seconds IS NOT NULL
            GROUP BY 1
            """,
            row => new StageDuration(Enum.Parse<OrderStatus>(row.GetString(0)), row.GetInt64(1), row.GetDouble(2), row.GetDouble(3)),
            ct, restaurantId, from, until);

    /// <summary>Every order, the oldest first, page by page: none holds a connection while it is sent to the reader.</summary>
    /// <param name="restaurantId">The restaurant.</param>
    /// <param name="from">Placed from when on.</param>
    /// <param name="until">Placed before when.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="limit">How many are read at once.</param>
    public async IAsyncEnumerable<OrderRow> OrdersAsync(
        Guid restaurantId, DateTimeOffset from, DateTimeOffset until, [EnumeratorCancellation] CancellationToken ct, int limit = Page)
    {
        var (placedAt, id) = (from, Guid.Empty);
        while (true)
        {
            var page = await database.ListAsync(
                """
                SELECT id, placed_at, status, fulfilment ->> 'type', payment,
                       (SELECT sum((line ->> 'quantity')::bigint)::bigint FROM jsonb_array_elements(lines) AS line),
                       subtotal, tax, delivery_fee, tip, total, currency
                FROM orders WHERE restaurant_id = $1 AND placed_at >= $2 AND placed_at < $3 AND (placed_at, id) > ($2, $4)
                ORDER BY placed_at, id LIMIT $5
                """,
                Read, ct, restaurantId, placedAt, until, id, limit);
            foreach (var order in page)
            {
                yield return order;
            }

            if (page.Count < limit)
            {
                yield break;
            }

            (placedAt, id) = (page[^1].PlacedAt, page[^1].Id);
        }
    }

    private static OrderRow Read(NpgsqlDataReader row) => new(
        row.GetGuid(0),
        row.GetFieldValue<DateTimeOffset>(1),
        row.GetString(2),
        row.GetString(3),
        row.GetString(4),
        row.GetInt64(5),
        row.GetInt64(6),
        row.GetInt64(7),
        row.GetInt64(8),
        row.GetInt64(9),
        row.GetInt64(10),
        row.GetString(11));
}
