using DineHub.Api.Accounts;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;
using Npgsql;

namespace DineHub.Api.Orders;

/// <summary>
/// The periodic work without a request: expires unaccepted orders, and copies orders to their customers' lists and pauses to the
/// directory. Every replica does all of it, restaurant by restaurant: each step changes what is still to be changed, so that two at once
/// do no more than one, and a lost worker stops only its own restaurants'.
/// </summary>
/// <param name="directory">The restaurants.</param>
/// <param name="orders">The orders.</param>
/// <param name="history">The customers' lists.</param>
/// <param name="accounts">The accounts.</param>
/// <param name="listing">Copies pauses to the directory.</param>
/// <param name="time">The clock.</param>
/// <param name="configuration">How often.</param>
/// <param name="logger">The log.</param>
internal sealed partial class OrderUpkeep(
    RestaurantDirectory directory,
    OrderStore orders,
    OrderHistory history,
    AccountStore accounts,
    KitchenListing listing,
    TimeProvider time,
    IConfiguration configuration,
    ILogger<OrderUpkeep> logger) : BackgroundService
{
    public const string IntervalKey = "Orders:UpkeepSeconds";
    private const double DefaultSeconds = 10;
    private const int Batch = 100;

    // The request that placed an order lists it; upkeep looks after those that were not.
    private static readonly TimeSpan ListedWithin = TimeSpan.FromSeconds(20);

    public static bool IsInterval(string? text) => text is null || Parse(text) is >= 0.1 and <= 300;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var seconds = configuration[IntervalKey] is { } text ? Parse(text)!.Value : DefaultSeconds;
        while (!stoppingToken.IsCancellationRequested)
        {
            // Replicas that were started together drift apart.
            await Task.Delay(TimeSpan.FromSeconds(seconds * (0.75 + (Random.Shared.NextDouble() / 2))), time, stoppingToken);
            try
            {
                foreach (var restaurantId in await directory.ListIdsAsync(stoppingToken))
                {
                    await KeepUpAsync(restaurantId, stoppingToken);
                }
            }
            catch (NpgsqlException e)
            {
                LogFailed("every restaurant", e.Message.Split('\n')[0]);
            }
        }
    }

    private static double? Parse(string text) =>
        double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    private async Task KeepUpAsync(Guid restaurantId, CancellationToken ct)
    {
        try
        {
            await ExpireAsync(restaurantId, ct);
            await ListAsync(restaurantId, ct);
            await listing.TryCopyAsync(restaurantId, ct);
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogFailed(restaurantId.ToString(), e.Message.Split('\n')[0]);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // One order that cannot be read must not keep all others from expiring, nor end the replica.
            LogBroken(e, restaurantId);
        }
    }

    private async Task ExpireAsync(Guid restaurantId, CancellationToken ct)
    {
        var now = time.GetUtcNow().ToMicroseconds();
        foreach (var id in await orders.ListOverdueAsync(restaurantId, now, Batch, ct))
        {
            var change = new OrderChange(new OrderEvent(OrderStatus.Expired, now), [OrderStatus.Placed]);
            if (await orders.TryAdvanceAsync(restaurantId, "", id, change, ct) is { } expired)
            {
                OrderMetrics.Count(expired.Order);
                LogExpired(id, restaurantId);
            }
        }
    }

    private async Task ListAsync(Guid restaurantId, CancellationToken ct)
    {
        var now = time.GetUtcNow().ToMicroseconds();
        var unlisted = await orders.ListUnlistedAsync(restaurantId, now - ListedWithin, Batch, ct);
        if (unlisted.Count == 0 || await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return;
        }

        var listed = new List<Guid>();
        foreach (var (order, _, accountId, _) in unlisted)
        {
            if (await accounts.FindAsync(accountId!.Value, ct) is not null)
            {
                await history.AddAsync(accountId.Value, order, restaurant.Name, ct);
                listed.Add(order.Id);
            }
            else
            {
                // The account was erased before its list knew of the order.
                await orders.EraseAsync(restaurantId, order.Id, now, ct);
            }
        }

        if (listed.Count > 0)
        {
            await orders.SetListedAsync(restaurantId, listed, ct);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Order {OrderId} of {RestaurantId} has expired")]
    private partial void LogExpired(Guid orderId, Guid restaurantId);

    [LoggerMessage(2, LogLevel.Warning, "Upkeep of {RestaurantId} failed and will be retried: {Reason}")]
    private partial void LogFailed(string restaurantId, string reason);

    [LoggerMessage(3, LogLevel.Error, "Upkeep of {RestaurantId} failed unexpectedly")]
    private partial void LogBroken(Exception exception, Guid restaurantId);
}
