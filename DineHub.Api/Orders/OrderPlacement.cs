using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Orders;

/// <summary>What placing an order came to: an order, new or placed before with the same key, or a refusal.</summary>
internal sealed record PlacementResult(Order? Order, bool Replayed, ProblemHttpResult? Refused)
{
    public static PlacementResult Refuse(ProblemHttpResult problem) => new(Order: null, Replayed: false, problem);
}

/// <summary>Prices baskets, for quotes and for orders, and stores orders, once for each key.</summary>
/// <param name="menus">The menus.</param>
/// <param name="orders">The orders.</param>
/// <param name="openOrders">How much the kitchens have to do.</param>
/// <param name="time">The clock.</param>
internal sealed class OrderPlacement(MenuCatalog menus, OrderStore orders, OpenOrders openOrders, TimeProvider time)
{
    private const int MaxAttempts = 5;
    private const int TokenBytes = 16;

    /// <summary>A basket that was looked at: with its prices and what the restaurant says of it, or with what does not fit the menu.</summary>
    private sealed record Examination(PricedBasket? Priced, IReadOnlyList<QuoteRefusal> Refusals, int OpenOrders, ProblemHttpResult? Refused);

    /// <summary>Prices a basket as an order would be.</summary>
    public async Task<(Quote? Quote, ProblemHttpResult? Refused)> QuoteAsync(Guid restaurantId, QuoteRequest request, CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return (null, Problems.UnknownRestaurant());
        }

        var now = time.GetUtcNow().ToMicroseconds();
        var examined = await ExamineAsync(menu, request, now, ct);
        if (examined.Priced is not { } priced)
        {
            return (null, examined.Refused);
        }

        var quote = new Quote(
            restaurantId,
            menu.Restaurant.Currency,
            priced.Lines,
            priced.Subtotal,
            priced.Tax,
            priced.DeliveryFee,
            priced.Tip,
            priced.Total,
            menu.Version,
            menu.Restaurant.TimeZone,
            OrderTerms.ReadyBy(menu, examined.OpenOrders, request.ScheduledFor?.ToUniversalTime(), now),
            menu.Kitchen.Load(examined.OpenOrders, now),
            examined.Refusals);
        return (quote, null);
    }

    public async Task<PlacementResult> PlaceAsync(Guid restaurantId, PlaceOrderRequest request, string idempotencyKey, Guid? accountId, CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return PlacementResult.Refuse(Problems.UnknownRestaurant());
        }

        // Over the parsed request, so that white space and the order of members do not make it another one.
        var requestHash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.PlaceOrderRequest));
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var now = time.GetUtcNow().ToMicroseconds();
            var examined = await ExamineAsync(menu, request, now, ct);
            var refusal = examined.Refused ?? Refuse(request, examined);
            if (refusal is null)
            {
                var order = NewOrder(menu, request, examined, now);
                var result = await orders.TryPlaceAsync(order, idempotencyKey, requestHash, accountId, Tracked(menu, order), ct);
                if (result == StoreResult.Stored)
                {
                    OrderMetrics.Count(order);
                    return new PlacementResult(order, Replayed: false, Refused: null);
                }
            }

            // Before a refusal too: an order that was placed stays placed when the menu changes afterwards.
            if (await orders.FindByKeyAsync(restaurantId, menu.Restaurant.TimeZone, idempotencyKey, ct) is { } earlier)
            {
                return CryptographicOperations.FixedTimeEquals(earlier.RequestHash, requestHash)
                    ? new PlacementResult(earlier.Order.AsPlaced(), Replayed: true, Refused: null)
                    : PlacementResult.Refuse(Problems.Refuse(
                        StatusCodes.Status422UnprocessableEntity, Refusal.IdempotencyKeyReused, "This Idempotency-Key was used for another order."));
            }

            if (refusal is not null && attempt > 1)
            {
                return PlacementResult.Refuse(refusal);
            }

            // The copy may have been old: nothing is refused, and nothing tried again, but by what the database has now.
            var fresh = await menus.ReloadAsync(restaurantId, ct);
            if (fresh is null)
            {
                return PlacementResult.Refuse(Problems.UnknownRestaurant());
            }

            menu = fresh;
        }

        return PlacementResult.Refuse(Problems.Refuse(StatusCodes.Status409Conflict, Refusal.MenuChanging, "The menu is changing. Try again."));
    }

    private static ProblemHttpResult? Refuse(PlaceOrderRequest request, Examination examined)
    {
        if (examined.Refusals is [var first, ..])
        {
            var errors = new FieldErrors();
            foreach (var one in examined.Refusals)
            {
                errors.Add(one.Field, one.Rule);
            }

            return errors.ToUnprocessable(
                Enum.Parse<Refusal>(first.Reason),
                "The restaurant does not take this order now.",
                new() { ["reasons"] = examined.Refusals.Select(one => one.Reason).Distinct().ToArray() });
        }

        if (request.ExpectedTotal is { } expected && expected != examined.Priced!.Total)
        {
            var errors = new FieldErrors();
            errors.Add("expectedTotal", $"must be {examined.Priced.Total}");
            return errors.ToUnprocessable(Refusal.TotalChanged, "The total is not the expected one.", new() { ["total"] = examined.Priced.Total });
        }

        return null;
    }

    private static List<TakenStock> Tracked(PublishedMenu menu, Order order) =>
        [.. order.Lines
            .Where(line => menu.Stock.ContainsKey(line.ItemId))
            .GroupBy(line => line.ItemId, StringComparer.Ordinal)
            .OrderBy(lines => lines.Key, StringComparer.Ordinal)
            .Select(lines => new TakenStock(lines.Key, lines.Sum(line => line.Quantity)))];

    private async Task<Examination> ExamineAsync(PublishedMenu menu, IBasket basket, DateTimeOffset now, CancellationToken ct)
    {
        var errors = new FieldErrors();
        if (Pricing.Price(menu.Restaurant, menu.Items, basket, errors) is not { } priced)
        {
            return new Examination(null, [], 0, errors.ToUnprocessable(Refusal.DoesNotFitTheMenu, "The order does not fit the menu."));
        }

        var open = await openOrders.CountAsync(menu.Restaurant.Id, ct);
        return new Examination(priced, OrderTerms.Check(menu, open, basket, priced.Subtotal, now), open, Refused: null);
    }

    private static Order NewOrder(PublishedMenu menu, PlaceOrderRequest request, Examination examined, DateTimeOffset now)
    {
        var restaurant = menu.Restaurant;
        var basket = examined.Priced!;
        var slot = request.ScheduledFor?.ToUniversalTime();
        return new Order(
            restaurant.Id,
            Guid.CreateVersion7(now),
            OrderStatus.Placed,
            request.Fulfilment!,
            request.Customer ?? new Customer(),
            restaurant.Currency,
            basket.Lines,
            basket.Subtotal,
            basket.Tax,
            basket.DeliveryFee,
            basket.Tip,
            basket.Total,
            menu.Version,
            restaurant.TimeZone,
            OrderTerms.PaymentFor(request.Fulfilment!.Type),
            request.Note,
            slot,
            OrderTerms.ReadyBy(menu, examined.OpenOrders, slot, now),
            OrderTerms.ExpiresAt(menu, slot, now),
            now,
            [new OrderEvent(OrderStatus.Placed, now)],
            Version: 1,
            Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes)));
    }
}
