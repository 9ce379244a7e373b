using DineHub.Api.Data;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Restaurants;

/// <summary>A kitchen's pause, and the version that it is of.</summary>
internal sealed record UnlistedPause(DateTimeOffset? PausedUntil, int Version);

/// <summary>What kitchens change while they work. Every statement carries <c>restaurant_id</c>.</summary>
/// <param name="database">The database.</param>
/// <param name="time">The clock.</param>
internal sealed class KitchenStore(ApiConnections database, TimeProvider time)
{
    public const string Columns = "k.version, k.paused_until, k.pause_reason, k.busy_until, k.busy_minutes, k.parallel_orders, k.accept_minutes, k.busy_from, k.full_from";

    public Task CreateAsync(Guid restaurantId, CancellationToken ct) =>
        database.ExecuteAsync(
            "INSERT INTO kitchens (restaurant_id, version, listed_version, updated_at) VALUES ($1, 1, 1, $2) ON CONFLICT DO NOTHING",
            ct, restaurantId, time.GetUtcNow());

    /// <summary>
    /// Pauses, or goes on with null. A new version of the menu comes with it: a replica that keeps a copy from before must look again before it
    /// takes an order.
    /// </summary>
    public Task PauseAsync(Guid restaurantId, DateTimeOffset? until, string? reason, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        return database.TransactAsync(
            async (connection, token) =>
            {
                await using var batch = connection.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(
                    "UPDATE kitchens SET paused_until = $3::timestamptz, pause_reason = $4::text, version = version + 1, updated_at = $2 WHERE restaurant_id = $1")
                    .With(restaurantId, now, until, reason));
                batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE menus SET version = version + 1, updated_at = $2 WHERE restaurant_id = $1").With(restaurantId, now));
                return await batch.ExecuteNonQueryAsync(token);
            },
            ct);
    }

    /// <summary>Calls the kitchen busy, or not with null.</summary>
    public Task SetBusyAsync(Guid restaurantId, DateTimeOffset? until, CancellationToken ct) =>
        ChangeAsync("busy_until = $3::timestamptz", ct, restaurantId, time.GetUtcNow(), until);

    public Task SetCapacityAsync(Guid restaurantId, CapacitySettings capacity, CancellationToken ct) =>
        ChangeAsync(
            "parallel_orders = $3, busy_minutes = $4, accept_minutes = $5, busy_from = $6::integer, full_from = $7::integer",
            ct,
            restaurantId,
            time.GetUtcNow(),
            capacity.ParallelOrders,
            capacity.BusyMinutes,
            capacity.AcceptMinutes,
            capacity.BusyFrom,
            capacity.FullFrom);

    /// <summary>The pause that the directory does not show yet; null where it shows the newest.</summary>
    public Task<UnlistedPause?> FindUnlistedAsync(Guid restaurantId, CancellationToken ct) =>
        database.FirstAsync(
            "SELECT paused_until, version FROM kitchens WHERE restaurant_id = $1 AND listed_version < version",
            row => new UnlistedPause(row.GetNullable<DateTimeOffset>(0), row.GetInt32(1)), ct, restaurantId);

    public Task SetListedAsync(Guid restaurantId, int version, CancellationToken ct) =>
        ChangeConflictingAsync("UPDATE kitchens SET listed_version = $2 WHERE restaurant_id = $1 AND listed_version < $2", ct, restaurantId, version);

    /// <summary>Reads <see cref="Columns"/> from an ordinal on.</summary>
    public static KitchenState Read(NpgsqlDataReader row, int first) => new(
        row.GetInt32(first),
        row.GetNullable<DateTimeOffset>(first + 1),
        row.GetNullableString(first + 2),
        row.GetNullable<DateTimeOffset>(first + 3),
        row.GetInt32(first + 4),
        row.GetInt32(first + 5),
        row.GetInt32(first + 6),
        row.GetNullable<int>(first + 7),
        row.GetNullable<int>(first + 8));

    private Task ChangeAsync(string set, CancellationToken ct, params object?[] parameters) =>
        ChangeConflictingAsync($"UPDATE kitchens SET {set}, version = version + 1, updated_at = $2 WHERE restaurant_id = $1", ct, parameters);

    private async Task ChangeConflictingAsync(string sql, CancellationToken ct, params object?[] parameters) =>
        await Sql.RetryConflicts.ExecuteAsync(async token => await database.ExecuteAsync(sql, token, parameters), ct);
}
