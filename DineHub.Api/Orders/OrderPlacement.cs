using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using DineHub.Api.Errors;
using DineHub.Api.Menus;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Orders;

/// <summary>What placing an order came to: an order, new or placed before with the same key, or a refusal.</summary>
internal sealed record Placement(Order? Order, bool Replayed, ProblemHttpResult? Refused)
{
    public static Placement Refuse(ProblemHttpResult problem) => new(Order: null, Replayed: false, problem);
}

/// <summary>Prices a basket and stores it as an order, once for each key.</summary>
/// <param name="menus">The menus.</param>
/// <param name="orders">The orders.</param>
/// <param name="time">The clock.</param>
internal sealed class OrderPlacement(MenuCatalog menus, OrderStore orders, TimeProvider time)
{
    private const int MostTries = 3;
    private const int TokenBytes = 16;

    public async Task<Placement> PlaceAsync(Guid restaurantId, PlaceOrderRequest request, string idempotencyKey, CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return Placement.Refuse(Problems.UnknownRestaurant());
        }

        // Over the parsed request, so that white space and the order of members do not make it another one.
        var requestHash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.PlaceOrderRequest));
        var lines = request.Lines!.Select(line => line!).ToList();
        for (var attempt = 1; attempt <= MostTries; attempt++)
        {
            var errors = new FieldErrors();
            var basket = Pricing.Price(menu.Restaurant.Tax, menu.Items, lines, errors);
            var refusal = basket is null
                ? errors.ToUnprocessable(Refusal.DoesNotFitTheMenu, "The order does not fit the menu.")
                : CheckTotal(request, basket);

            if (refusal is null)
            {
                var order = NewOrder(menu, request, basket!);
                if (await orders.TryPlaceAsync(order, idempotencyKey, requestHash, ct))
                {
                    return new Placement(order, Replayed: false, Refused: null);
                }
            }

            // Before a refusal too: an order that was placed stays placed when the menu changes afterwards.
            if (await orders.FindByKeyAsync(menu, idempotencyKey, ct) is { } earlier)
            {
                return CryptographicOperations.FixedTimeEquals(earlier.RequestHash, requestHash)
                    ? new Placement(earlier.Order.AsPlaced(), Replayed: true, Refused: null)
                    : Placement.Refuse(Problems.Refuse(
                        StatusCodes.Status422UnprocessableEntity, Refusal.IdempotencyKeyReused, "This Idempotency-Key was used for another order."));
            }

            var version = menu.Menu.Version;
            menu = await menus.ReloadAsync(restaurantId, ct);
            if (menu is null)
            {
                return Placement.Refuse(Problems.UnknownRestaurant());
            }

            if (refusal is not null && menu.Menu.Version == version)
            {
                return Placement.Refuse(refusal);
            }
        }

        return Placement.Refuse(Problems.Refuse(StatusCodes.Status409Conflict, Refusal.MenuChanging, "The menu is changing. Try again."));
    }

    private static ProblemHttpResult? CheckTotal(PlaceOrderRequest request, PricedBasket basket) =>
        request.ExpectedTotal is { } expected && expected != basket.Total
            ? Problems.Refuse(
                StatusCodes.Status422UnprocessableEntity,
                Refusal.TotalChanged,
                "The total is not the expected one.",
                new() { ["total"] = basket.Total, ["errors"] = new Dictionary<string, string[]> { ["expectedTotal"] = [$"must be {basket.Total}"] } })
            : null;

    private Order NewOrder(PublishedMenu menu, PlaceOrderRequest request, PricedBasket basket)
    {
        // PostgreSQL keeps microseconds: cut here, so that the first answer equals every later one.
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        return new Order(
            menu.Restaurant.Id,
            Guid.CreateVersion7(now),
            OrderStatus.Placed,
            request.Fulfilment!,
            request.Customer ?? new Customer(),
            menu.Restaurant.Currency,
            basket.Lines,
            basket.Subtotal,
            basket.Tax,
            basket.Total,
            menu.Menu.Version,
            menu.Restaurant.TimeZone,
            now,
            [new OrderEvent(OrderStatus.Placed, now)],
            Version: 1,
            Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes)));
    }
}
