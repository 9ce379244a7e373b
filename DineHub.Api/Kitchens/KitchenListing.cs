using DineHub.Api.Errors;
using DineHub.Api.Restaurants;
using Npgsql;

namespace DineHub.Api.Kitchens;

/// <summary>
/// Copies a kitchen's pause to the directory. On Citus the directory can be written only while every node is up; the pause itself holds at
/// once, and upkeep copies it later.
/// </summary>
/// <param name="kitchens">The kitchens.</param>
/// <param name="directory">The directory.</param>
/// <param name="logger">The log.</param>
internal sealed partial class KitchenListing(KitchenStore kitchens, RestaurantDirectory directory, ILogger<KitchenListing> logger)
{
    public async Task TryCopyAsync(Guid restaurantId, CancellationToken ct)
    {
        try
        {
            if (await kitchens.FindUnlistedAsync(restaurantId, ct) is { } unlisted)
            {
                await directory.CopyPauseAsync(restaurantId, unlisted.PausedUntil, unlisted.Version, ct);
                await kitchens.SetListedAsync(restaurantId, unlisted.Version, ct);
            }
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogLater(restaurantId, e.Message.Split('\n')[0]);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The directory does not show the pause of {RestaurantId} yet: {Reason}")]
    private partial void LogLater(Guid restaurantId, string reason);
}
