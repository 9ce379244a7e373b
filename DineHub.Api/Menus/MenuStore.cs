using DineHub.Api.Data;
using DineHub.Database.Connections;

namespace DineHub.Api.Menus;

/// <summary>Changes menus. Every statement carries <c>restaurant_id</c>; each change is a new version.</summary>
/// <param name="database">The database.</param>
/// <param name="time">The clock.</param>
internal sealed class MenuStore(ApiConnections database, TimeProvider time)
{
    public Task CreateAsync(Guid restaurantId, CancellationToken ct) =>
        database.ExecuteAsync(
            "INSERT INTO menus (restaurant_id, version, document, updated_at) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING",
            ct, restaurantId, Sql.Json(new MenuDocument([]), ApiJson.Default.MenuDocument), time.GetUtcNow());

    /// <summary>Stores a menu, at the version that it was changed from; false where the menu is at another by now.</summary>
    public async Task<bool> TryReplaceAsync(Guid restaurantId, MenuDocument document, int fromVersion, CancellationToken ct) =>
        await ChangeAsync(
            "document = $3", "version = $4", ct, restaurantId, time.GetUtcNow(), Sql.Json(document, ApiJson.Default.MenuDocument), fromVersion) == 1;

    /// <summary>Takes an item or an option off the menu.</summary>
    public Task TakeOffAsync(Guid restaurantId, string key, Unavailability mark, CancellationToken ct) =>
        ChangeAsync(
            "unavailable = unavailable || $3",
            "true",
            ct,
            restaurantId,
            time.GetUtcNow(),
            Sql.Json(new Dictionary<string, Unavailability> { [key] = mark }, ApiJson.Default.DictionaryStringUnavailability));

    /// <summary>Puts an item or an option back.</summary>
    public Task PutBackAsync(Guid restaurantId, string key, CancellationToken ct) =>
        ChangeAsync("unavailable = unavailable - $3::text", "true", ct, restaurantId, time.GetUtcNow(), key);

    /// <summary>Makes baskets that were priced before this be looked at again.</summary>
    public Task TouchAsync(Guid restaurantId, CancellationToken ct) =>
        ChangeAsync("document = document", "true", ct, restaurantId, time.GetUtcNow());

    private async Task<int> ChangeAsync(string set, string condition, CancellationToken ct, params object?[] parameters) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteAsync(
                $"UPDATE menus SET version = version + 1, {set}, updated_at = $2 WHERE restaurant_id = $1 AND {condition}",
                token,
                parameters),
            ct);
}
