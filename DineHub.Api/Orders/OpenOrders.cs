using DineHub.Api.Data;
using DineHub.Database.Connections;
using Microsoft.Extensions.Caching.Memory;

namespace DineHub.Api.Orders;

/// <summary>Counts what a kitchen has still to cook; kept for a second, so that a rush does not count itself again and again.</summary>
/// <param name="database">The database.</param>
/// <param name="cache">Where counts are kept.</param>
/// <param name="time">The clock.</param>
internal sealed class OpenOrders(ApiConnections database, IMemoryCache cache, TimeProvider time)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(1);

    // An order that is scheduled for later is no load yet.
    private static readonly TimeSpan Horizon = TimeSpan.FromHours(1);

    public async Task<int> CountAsync(Guid restaurantId, CancellationToken ct)
    {
        if (cache.TryGetValue((nameof(OpenOrders), restaurantId), out int kept))
        {
            return kept;
        }

        var count = (await database.ListAsync(
            """
            SELECT count(*)::integer FROM orders
            WHERE restaurant_id = $1 AND status IN ('Placed', 'Accepted', 'Preparing') AND (scheduled_for IS NULL OR scheduled_for <= $2)
            """, row => row.GetInt32(0), ct, restaurantId, time.GetUtcNow() + Horizon))[0];
        return cache.Set((nameof(OpenOrders), restaurantId), count, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = KeptFor });
    }
}
