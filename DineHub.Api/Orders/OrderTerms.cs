using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Orders;

/// <summary>
/// Whether a restaurant takes an order now, whatever it costs, and what it promises. Pure: all that it says of a basket is said at once,
/// the same to quotes and to orders.
/// </summary>
internal static class OrderTerms
{
    /// <summary>Checks everything but the prices.</summary>
    /// <param name="menu">The restaurant, its menu and its kitchen.</param>
    /// <param name="openOrders">How many orders the kitchen has still to cook.</param>
    /// <param name="basket">A basket that fits the menu.</param>
    /// <param name="subtotal">The lines' totals together, in minor currency units.</param>
    /// <param name="now">The time.</param>
    public static List<QuoteRefusal> Check(PublishedMenu menu, int openOrders, IBasket basket, long subtotal, DateTimeOffset now)
    {
        var refusals = new List<QuoteRefusal>();
        void Refuse(Refusal reason, string field, string rule) => refusals.Add(new QuoteRefusal(reason.ToString(), field, rule));

        var restaurant = menu.Restaurant;
        if (restaurant.ClosedAt is not null)
        {
            Refuse(Refusal.ClosedForGood, "restaurantId", "the restaurant has closed for good");
        }

        if (menu.Kitchen.IsPaused(now))
        {
            Refuse(Refusal.Paused, "restaurantId", menu.Kitchen.PauseReason ?? "the restaurant takes no orders for now");
        }

        CheckTime(menu, openOrders, basket, now, Refuse);
        CheckFulfilment(restaurant, basket.Fulfilment!, Refuse);
        if (subtotal < restaurant.MinimumOrder)
        {
            Refuse(Refusal.BelowMinimum, "lines", $"must come to at least {restaurant.MinimumOrder}");
        }

        CheckLines(menu, basket, basket.ScheduledFor ?? now, Refuse);
        return refusals;
    }

    /// <summary>When the kitchen can have a new order ready.</summary>
    public static DateTimeOffset ReadyBy(PublishedMenu menu, int openOrders, DateTimeOffset? scheduledFor, DateTimeOffset now) =>
        scheduledFor ?? now.AddMinutes(menu.Kitchen.ReadyInMinutes(openOrders, menu.Restaurant.PreparationMinutes, now));

    /// <summary>
    /// Until when the restaurant may accept an order: some minutes after it was placed, or after the next opening where it was placed for
    /// later while the restaurant was closed; never after its slot.
    /// </summary>
    public static DateTimeOffset ExpiresAt(PublishedMenu menu, DateTimeOffset? scheduledFor, DateTimeOffset now)
    {
        if (scheduledFor is not { } slot)
        {
            return now.AddMinutes(menu.Kitchen.AcceptMinutes);
        }

        var expires = (menu.Restaurant.Schedule.NextOpening(now) ?? now).AddMinutes(menu.Kitchen.AcceptMinutes);
        return expires > slot ? slot : expires;
    }

    public static PaymentMethod PaymentFor(FulfilmentType type) => type == FulfilmentType.Delivery ? PaymentMethod.OnDelivery : PaymentMethod.AtCounter;

    private static void CheckTime(PublishedMenu menu, int openOrders, IBasket basket, DateTimeOffset now, Action<Refusal, string, string> refuse)
    {
        var restaurant = menu.Restaurant;
        if (basket.ScheduledFor is not { } slot)
        {
            if (restaurant.ClosedAt is null && !restaurant.Schedule.IsOpenAt(now))
            {
                refuse(Refusal.Closed, "scheduledFor", restaurant.Schedule.NextOpening(now) is { } opens ? $"the restaurant is closed; it opens at {opens:O}" : "the restaurant is closed");
            }
            else if (menu.Kitchen.Load(openOrders, now) == KitchenLoad.Full)
            {
                refuse(Refusal.KitchenFull, "scheduledFor", "the kitchen has too much to do: order for a later slot");
            }
        }
        else if (slot < restaurant.EarliestSlot(now) || slot > now + Restaurant.FurthestSlot || !restaurant.Schedule.IsSlot(slot))
        {
            refuse(
                Refusal.NotASlot,
                "scheduledFor",
                $"must be one of the restaurant's slots, from {restaurant.PreparationMinutes} minutes to {Restaurant.FurthestSlot.TotalDays} days ahead");
        }
    }

    private static void CheckFulfilment(Restaurant restaurant, Fulfilment fulfilment, Action<Refusal, string, string> refuse)
    {
        var offered = fulfilment.Type switch
        {
            FulfilmentType.Pickup => restaurant.Pickup,
            FulfilmentType.Table => restaurant.TableService,
            _ => restaurant.Delivery is not null,
        };
        if (!offered)
        {
            refuse(Refusal.FulfilmentNotOffered, "fulfilment.type", $"the restaurant does not offer {fulfilment.Type}");
        }
        else if (fulfilment.Type == FulfilmentType.Delivery)
        {
            var meters = new GeoPoint(restaurant.Latitude, restaurant.Longitude).MetersTo(new GeoPoint(fulfilment.Latitude!.Value, fulfilment.Longitude!.Value));
            if (meters > restaurant.Delivery!.RadiusMeters)
            {
                refuse(Refusal.OutsideDeliveryArea, "fulfilment.address", $"is {meters:0} metres away; the restaurant delivers up to {restaurant.Delivery.RadiusMeters}");
            }
        }
    }

    private static void CheckLines(PublishedMenu menu, IBasket basket, DateTimeOffset at, Action<Refusal, string, string> refuse)
    {
        var wanted = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < basket.Lines!.Count; i++)
        {
            var line = basket.Lines[i]!;
            var item = menu.Items[line.ItemId!];
            if (!menu.IsAvailable(item.Id, null, at))
            {
                refuse(Refusal.ItemUnavailable, $"lines[{i}].itemId", "is off the menu for now");
            }
            else if (!menu.IsServed(item, at))
            {
                refuse(Refusal.ItemUnavailable, $"lines[{i}].itemId", "is not served at that time");
            }

            foreach (var option in (line.Options ?? []).Where(option => !menu.IsAvailable(item.Id, option, at)))
            {
                refuse(Refusal.ItemUnavailable, $"lines[{i}].options", $"'{option}' is off the menu for now");
            }

            if (menu.Stock.TryGetValue(item.Id, out var level))
            {
                var sum = wanted[item.Id] = wanted.GetValueOrDefault(item.Id) + line.Quantity!.Value;
                if (sum > level.Quantity)
                {
                    refuse(Refusal.OutOfStock, $"lines[{i}].quantity", level.Quantity == 0 ? "there is none left" : $"there are {level.Quantity} left");
                }
            }
        }
    }
}
