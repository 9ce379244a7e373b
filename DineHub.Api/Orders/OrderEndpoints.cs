using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DineHub.Api.Accounts;
using DineHub.Api.Errors;
using DineHub.Api.Menus;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Orders;

/// <summary>Placing orders, reading them, moving them through the kitchen.</summary>
internal static class OrderEndpoints
{
    private const string KeyHeader = "Idempotency-Key";
    private const string ReplayedHeader = "Idempotency-Replayed";
    private const string TokenHeader = "Tracking-Token";

    public static IEndpointRouteBuilder MapOrders(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants/{restaurantId:guid}/orders").WithTags("Orders");
        group.MapPost("/", PlaceAsync).WithName("PlaceOrder").WithSummary("Place an order.")
            .WithDescription(
                "Prices come from the menu. The same Idempotency-Key with the same body gives the first answer again, marked by the header "
                + "Idempotency-Replayed; with another body it is refused (422). After 502, 503 or 504 send the same request again: it is stored once.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/{orderId:guid}", GetAsync).WithName("GetOrder").WithSummary("Read an order.")
            .WithDescription("For whoever shows the order's Tracking-Token, and for staff. A wrong token is 404, like an order that is not there.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapPost("/{orderId:guid}/status", ChangeStatusAsync).WithName("ChangeOrderStatus").WithSummary("Move an order to its next stage.")
            .WithDescription("With If-Match the change is made only at that version of the order (412 otherwise).")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireAuthorization(Policies.Staff);
        return routes;
    }

    private static async Task<Results<Created<Order>, ValidationProblem, ProblemHttpResult>> PlaceAsync(
        Guid restaurantId,
        PlaceOrderRequest request,
        [FromHeader(Name = KeyHeader)] string? idempotencyKey,
        OrderPlacement placement,
        HttpContext http,
        CancellationToken ct)
    {
        if (OrderRequestRules.CheckKey(idempotencyKey) is { Any: true } keyErrors)
        {
            return keyErrors.ToBadRequest();
        }

        if (OrderRequestRules.Check(request) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        var placed = await placement.PlaceAsync(restaurantId, request, idempotencyKey!, ct);
        if (placed.Order is not { } order)
        {
            return placed.Refused!;
        }

        if (placed.Replayed)
        {
            http.Response.Headers[ReplayedHeader] = "true";
        }

        http.SetETag(order.Version);
        return TypedResults.Created($"/api/v1/restaurants/{order.RestaurantId}/orders/{order.Id}", order);
    }

    private static async Task<Results<Ok<Order>, ProblemHttpResult>> GetAsync(
        Guid restaurantId,
        Guid orderId,
        [FromHeader(Name = TokenHeader)] string? trackingToken,
        MenuCatalog menus,
        OrderStore orders,
        HttpContext http,
        CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        if (await orders.FindAsync(menu, orderId, ct) is not { } order || !(IsStaff(http) || Matches(order.TrackingToken, trackingToken)))
        {
            return Problems.UnknownOrder();
        }

        http.SetETag(order.Version);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(order);
    }

    private static async Task<Results<Ok<Order>, ValidationProblem, ProblemHttpResult>> ChangeStatusAsync(
        Guid restaurantId,
        Guid orderId,
        ChangeStatusRequest request,
        MenuCatalog menus,
        OrderStore orders,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        var errors = OrderRequestRules.Check(request);
        if (!TryReadIfMatch(http, out var expectedVersion))
        {
            errors.Add("If-Match", "must be one ETag of this order, such as \"1\", or *");
        }

        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        var change = new OrderEvent(request.Status!.Value, time.GetUtcNow(), request.Reason);
        if (await orders.TryAdvanceAsync(menu, orderId, change, expectedVersion, ct) is { } changed)
        {
            http.SetETag(changed.Version);
            return TypedResults.Ok(changed);
        }

        if (await orders.FindAsync(menu, orderId, ct) is not { } current)
        {
            return Problems.UnknownOrder();
        }

        return expectedVersion is not null && expectedVersion != current.Version
            ? Problems.Refuse(
                StatusCodes.Status412PreconditionFailed,
                Refusal.VersionMismatch,
                "The order has changed since.",
                new() { ["version"] = current.Version })
            : Problems.Refuse(
                StatusCodes.Status409Conflict,
                Refusal.IllegalTransition,
                $"An order that is {current.Status} cannot become {change.Status}.",
                new() { ["status"] = current.Status.ToString(), ["allowed"] = OrderLifecycle.After(current.Status).Select(s => s.ToString()).ToArray() });
    }

    private static bool IsStaff(HttpContext http) => http.User.IsInRole(Roles.Operator);

    private static bool Matches(string token, string? shown) =>
        shown is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(shown));

    /// <summary>The version that If-Match names; null where it is absent or "*".</summary>
    private static bool TryReadIfMatch(HttpContext http, out int? version)
    {
        version = null;
        if (http.Request.Headers.IfMatch.Count == 0)
        {
            return true;
        }

        if (http.Request.GetTypedHeaders().IfMatch is not [{ IsWeak: false } tag])
        {
            return false;
        }

        if (tag.Equals(EntityTagHeaderValue.Any))
        {
            return true;
        }

        var valid = int.TryParse(tag.Tag.AsSpan().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;
        version = number;
        return valid;
    }
}
