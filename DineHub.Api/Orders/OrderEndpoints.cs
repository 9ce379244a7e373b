using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DineHub.Api.Accounts;
using DineHub.Api.Data;
using DineHub.Api.Http;
using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DineHub.Api.Orders;

/// <summary>Quotes, placing orders, reading and following them, moving them through the kitchen.</summary>
internal static class OrderEndpoints
{
    private const string KeyHeader = "Idempotency-Key";
    private const string ReplayedHeader = "Idempotency-Replayed";
    private const string TokenHeader = "Tracking-Token";
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static IEndpointRouteBuilder MapOrders(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/restaurants/{restaurantId:guid}/quotes", QuoteAsync).WithTags("Orders").WithName("CreateQuote")
            .WithSummary("Price a basket exactly as its order would be.")
            .WithDescription("Also prices baskets that the restaurant would not accept now: refusals lists the reasons. Pass total as the order's expectedTotal.")
            .AllowAnonymous()
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        var group = routes.MapGroup("/restaurants/{restaurantId:guid}/orders").WithTags("Orders");
        group.MapPost("/", PlaceAsync).WithName("PlaceOrder").WithSummary("Place an order.").AllowAnonymous()
            .WithDescription(
                "For guests and for signed-in customers, whose list then has the order. Prices come from the menu. A repeated Idempotency-Key with the same "
                + "body returns the first response, with the header Idempotency-Replayed; with another body it is refused (422). After 502, 503 or 504 "
                + "send the same request again: the order is stored once.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/", ListAsync).WithName("ListOrders").WithSummary("List a restaurant's orders, the newest first.")
            .WithDescription($"status: one or several stages. date: the day of their placement, in the restaurant's time zone. limit: 1 to {MaxLimit}, default {DefaultLimit}.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireStaff(StaffRole.Kitchen);
        group.MapGet("/{orderId:guid}", GetAsync).WithName("GetOrder").WithSummary("Read an order.").AllowAnonymous()
            .WithDescription("Readable with the order's Tracking-Token, by the signed-in customer who placed it, and by staff. Others get 404, as for an unknown order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/{orderId:guid}/events", FollowAsync).WithName("FollowOrder").WithSummary("Follow an order by server-sent events.").AllowAnonymous()
            .WithDescription(
                "Access as for reading the order; browsers, which cannot set headers here, pass the tracking token as token. Each event \"order\" is the whole order, with its version as id. "
                + "The stream ends when the order is final; a client that has received that event gets 204.")
            .Produces<Order>(StatusCodes.Status200OK, "text/event-stream")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .Streamed();
        group.MapPost("/{orderId:guid}/cancel", CancelAsync).WithName("CancelOrder").WithSummary("Cancel an order before its acceptance.").AllowAnonymous()
            .WithDescription("Requires the Tracking-Token, or the sign-in of the customer who placed the order.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapPost("/{orderId:guid}/status", ChangeStatusAsync).WithName("ChangeOrderStatus").WithSummary("Move an order to a stage.")
            .WithDescription("If-Match restricts the change to that version of the order (412 otherwise).")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireStaff(StaffRole.Kitchen);
        group.MapPost("/{orderId:guid}/bump", BumpAsync).WithName("BumpOrder").WithSummary("Move an order to its next stage.")
            .WithDescription("Requires If-Match (428 if absent): if two cooks tap at once, only one moves the order.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status428PreconditionRequired)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireStaff(StaffRole.Kitchen);
        group.MapDelete("/{orderId:guid}/personal-data", EraseAsync).WithName("EraseOrder").WithSummary("Erase the personal data of a finished order.").AllowAnonymous()
            .WithDescription("Requires the Tracking-Token, or the sign-in of the customer who placed the order. Amounts, items and stages stay.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        return routes;
    }

    private static async Task<Results<Ok<Quote>, ValidationProblem, ProblemHttpResult>> QuoteAsync(
        Guid restaurantId, QuoteRequest request, OrderPlacement placement, CancellationToken ct)
    {
        if (OrderRequestRules.Check(request) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        var (quote, refused) = await placement.QuoteAsync(restaurantId, request, ct);
        return quote is null ? refused! : TypedResults.Ok(quote);
    }

    private static async Task<Results<Created<Order>, ValidationProblem, ProblemHttpResult>> PlaceAsync(
        Guid restaurantId,
        PlaceOrderRequest request,
        [FromHeader(Name = KeyHeader)] string? idempotencyKey,
        OrderPlacement placement,
        OrderHistory history,
        MenuCatalog menus,
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

        var accountId = http.User.AccountId();
        var placed = await placement.PlaceAsync(restaurantId, request, idempotencyKey!, accountId, ct);
        if (placed.Order is not { } order)
        {
            return placed.Refused!;
        }

        if (placed.Replayed)
        {
            http.Response.Headers[ReplayedHeader] = "true";
        }
        else if (accountId is { } customer && await menus.FindAsync(restaurantId, ct) is { } menu)
        {
            await history.TryAddAsync(customer, order, menu.Restaurant.Name, ct);
        }

        http.SetETag(order.Version);
        return TypedResults.Created($"/api/v1/restaurants/{order.RestaurantId}/orders/{order.Id}", order);
    }

    private static async Task<Results<Ok<OrderPage>, ValidationProblem, ProblemHttpResult>> ListAsync(
        Guid restaurantId,
        RestaurantDirectory directory,
        OrderStore orders,
        CancellationToken ct,
        string[]? status = null,
        DateOnly? date = null,
        int limit = DefaultLimit,
        string? cursor = null)
    {
        var errors = new FieldErrors();
        errors.Range<int>("limit", limit, 1, MaxLimit);
        var after = TimeCursor.Read(cursor, errors);
        var statuses = new List<OrderStatus>();
        foreach (var name in status ?? [])
        {
            if (Enum.GetNames<OrderStatus>().Contains(name, StringComparer.Ordinal))
            {
                statuses.Add(Enum.Parse<OrderStatus>(name));
            }
            else
            {
                errors.Add("status", $"must be one of {string.Join(", ", Enum.GetNames<OrderStatus>())}");
            }
        }

        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        DateTimeOffset? from = date is { } day ? restaurant.Schedule.StartOfDay(day) : null;
        DateTimeOffset? until = date is { } sameDay ? restaurant.Schedule.StartOfDay(sameDay.AddDays(1)) : null;
        var items = await orders.ListAsync(restaurantId, restaurant.TimeZone, statuses.Count == 0 ? null : statuses, from, until, after, limit + 1, ct);
        var next = TimeCursor.Cut(items, limit, item => new TimeCursor(item.Order.PlacedAt, item.Order.Id));
        return TypedResults.Ok(new OrderPage([.. items.Select(stored => stored.Order.ForStaff())], next));
    }

    private static async Task<Results<Ok<Order>, ProblemHttpResult>> GetAsync(
        Guid restaurantId,
        Guid orderId,
        [FromHeader(Name = TokenHeader)] string? trackingToken,
        RestaurantDirectory directory,
        OrderStore orders,
        HttpContext http,
        CancellationToken ct)
    {
        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        if (await orders.FindAsync(restaurantId, restaurant.TimeZone, orderId, ct) is not { } stored)
        {
            return Problems.UnknownOrder();
        }

        var own = IsOwn(http, stored, trackingToken);
        if (!own && !http.User.IsStaffOf(restaurantId))
        {
            return Problems.UnknownOrder();
        }

        return Send(http, own ? stored.Order : stored.Order.ForStaff());
    }

    private static async Task<Results<ServerSentEventsResult<Order?>, NoContent, ProblemHttpResult>> FollowAsync(
        Guid restaurantId,
        Guid orderId,
        [FromHeader(Name = TokenHeader)] string? trackingToken,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId,
        string? token,
        MenuCatalog menus,
        OrderStore orders,
        OrderStreams streams,
        HttpContext http,
        CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        if (await orders.FindAsync(restaurantId, menu.Restaurant.TimeZone, orderId, ct) is not { } stored)
        {
            return Problems.UnknownOrder();
        }

        var own = IsOwn(http, stored, trackingToken ?? token);
        if (!own && !http.User.IsStaffOf(restaurantId))
        {
            return Problems.UnknownOrder();
        }

        _ = int.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out var seen);
        if (OrderLifecycle.IsFinal(stored.Order.Status) && seen >= stored.Order.Version)
        {
            return TypedResults.NoContent();
        }

        return TypedResults.ServerSentEvents(streams.OneAsync(menu, stored.Order, forStaff: !own, seen, OrderStreams.TokenExpires(http), ct));
    }

    private static async Task<Results<Ok<Order>, ProblemHttpResult>> CancelAsync(
        Guid restaurantId,
        Guid orderId,
        [FromHeader(Name = TokenHeader)] string? trackingToken,
        RestaurantDirectory directory,
        OrderStore orders,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        if (await orders.FindAsync(restaurantId, restaurant.TimeZone, orderId, ct) is not { } stored || !IsOwn(http, stored, trackingToken))
        {
            return Problems.UnknownOrder();
        }

        var change = new OrderChange(new OrderEvent(OrderStatus.Cancelled, time.GetUtcNow().ToMicroseconds(), OrderReason.CustomerRequest), [OrderStatus.Placed]);
        if (await orders.TryAdvanceAsync(restaurantId, restaurant.TimeZone, orderId, change, ct) is { } changed)
        {
            OrderMetrics.Count(changed.Order);
            return Send(http, changed.Order);
        }

        var current = await orders.FindAsync(restaurantId, restaurant.TimeZone, orderId, ct);
        return Illegal(current?.Order.Status ?? stored.Order.Status, OrderStatus.Cancelled, "The restaurant has answered already: only it can cancel the order now.");
    }

    private static async Task<Results<Ok<Order>, ValidationProblem, ProblemHttpResult>> ChangeStatusAsync(
        Guid restaurantId,
        Guid orderId,
        ChangeStatusRequest request,
        RestaurantDirectory directory,
        OrderStore orders,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        var errors = OrderRequestRules.Check(request);
        var expectedVersion = http.ReadIfMatch(errors);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        var status = request.Status!.Value;
        var change = new OrderChange(
            new OrderEvent(status, time.GetUtcNow().ToMicroseconds(), request.Reason), OrderLifecycle.Before(status), expectedVersion);
        return (await AdvanceAsync(restaurant, orderId, change, orders, http, ct)).Result switch
        {
            Ok<Order> changed => changed,
            var refused => (ProblemHttpResult)refused,
        };
    }

    private static async Task<Results<Ok<Order>, ProblemHttpResult>> BumpAsync(
        Guid restaurantId, Guid orderId, RestaurantDirectory directory, OrderStore orders, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        if (!http.TryReadIfMatch(out var version, out var problem))
        {
            return problem;
        }

        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        if (await orders.FindAsync(restaurantId, restaurant.TimeZone, orderId, ct) is not { Order: var current })
        {
            return Problems.UnknownOrder();
        }

        if (OrderLifecycle.Next(current.Status) is not { } next)
        {
            return Illegal(current.Status, OrderStatus.Completed, $"An order that is {current.Status} has no next stage.");
        }

        var change = new OrderChange(new OrderEvent(next, time.GetUtcNow().ToMicroseconds()), [current.Status], version ?? current.Version);
        return await AdvanceAsync(restaurant, orderId, change, orders, http, ct);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EraseAsync(
        Guid restaurantId,
        Guid orderId,
        [FromHeader(Name = TokenHeader)] string? trackingToken,
        OrderStore orders,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        if (await orders.FindAsync(restaurantId, "", orderId, ct) is not { } stored || !IsOwn(http, stored, trackingToken))
        {
            return Problems.UnknownOrder();
        }

        return await orders.EraseAsync(restaurantId, orderId, time.GetUtcNow().ToMicroseconds(), ct)
            ? TypedResults.NoContent()
            : Problems.Refuse(StatusCodes.Status409Conflict, Refusal.OrderOnItsWay, "The order is in progress: wait until it is finished.");
    }

    private static async Task<Results<Ok<Order>, ProblemHttpResult>> AdvanceAsync(
        Restaurant restaurant, Guid orderId, OrderChange change, OrderStore orders, HttpContext http, CancellationToken ct)
    {
        if (await orders.TryAdvanceAsync(restaurant.Id, restaurant.TimeZone, orderId, change, ct) is { } changed)
        {
            OrderMetrics.Count(changed.Order);
            return Send(http, changed.Order.ForStaff());
        }

        if (await orders.FindAsync(restaurant.Id, restaurant.TimeZone, orderId, ct) is not { Order: var current })
        {
            return Problems.UnknownOrder();
        }

        var status = change.Event.Status;
        return change.ExpectedVersion is { } expected && expected != current.Version
            ? Problems.VersionMismatch(current.Version)
            : Illegal(
                current.Status,
                status,
                current.Status == OrderStatus.Placed && status == OrderStatus.Accepted
                    ? "The order was to be accepted earlier: it is expiring."
                    : $"An order that is {current.Status} cannot become {status}.");
    }

    private static ProblemHttpResult Illegal(OrderStatus from, OrderStatus to, string title) => Problems.Refuse(
        StatusCodes.Status409Conflict,
        Refusal.IllegalTransition,
        title,
        new()
        {
            ["current"] = from.ToString(),
            ["requested"] = to.ToString(),
            ["allowed"] = OrderLifecycle.After(from).Where(status => status != OrderStatus.Expired).Select(status => status.ToString()).ToArray(),
        });

    private static Ok<Order> Send(HttpContext http, Order order)
    {
        http.SetETag(order.Version);
        return TypedResults.Ok(order);
    }

    private static bool IsOwn(HttpContext http, StoredOrder stored, string? token) =>
        (token is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(stored.Order.TrackingToken!), Encoding.UTF8.GetBytes(token)))
        || (stored.AccountId is { } owner && http.User.AccountId() == owner);
}
