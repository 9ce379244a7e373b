using System.Threading.Channels;
using DineHub.Api.Http.Errors;
using Npgsql;

namespace DineHub.Api.Restaurants;

/// <summary>
/// Copies kitchens' pauses to the directory, beside the requests: on Citus a write to the directory is a two-phase commit over all nodes, which fails while one is
/// down, and which a cook who goes away must not end half-way. The pause itself holds at once. What is not copied here, upkeep copies later.
/// </summary>
/// <param name="kitchens">The kitchens.</param>
/// <param name="directory">The directory.</param>
/// <param name="logger">The log.</param>
internal sealed partial class KitchenListing(KitchenStore kitchens, RestaurantDirectory directory, ILogger<KitchenListing> logger) : BackgroundService
{
    private const int MaxQueued = 1000;

    private readonly Channel<Guid> changed = Channel.CreateBounded<Guid>(new BoundedChannelOptions(MaxQueued) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Has a kitchen's pause copied soon.</summary>
    public void Announce(Guid restaurantId) => changed.Writer.TryWrite(restaurantId);

    public async Task TryCopyAsync(Guid restaurantId, CancellationToken ct)
    {
        try
        {
            if (await kitchens.FindUnlistedAsync(restaurantId, ct) is { } unlisted)
            {
                await directory.CopyPauseAsync(restaurantId, unlisted.PausedUntil, unlisted.Version);
                await kitchens.SetListedAsync(restaurantId, unlisted.Version, ct);
            }
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogLater(restaurantId, e.Message.Split('\n')[0]);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var restaurantId in changed.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await TryCopyAsync(restaurantId, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // One pause that cannot be copied must not end the replica.
                LogFailed(e, restaurantId);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The directory does not show the pause of {RestaurantId} yet: {Reason}")]
    private partial void LogLater(Guid restaurantId, string reason);

    [LoggerMessage(2, LogLevel.Error, "The pause of {RestaurantId} could not be copied to the directory")]
    private partial void LogFailed(Exception exception, Guid restaurantId);
}
