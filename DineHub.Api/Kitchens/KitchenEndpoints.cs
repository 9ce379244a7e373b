using DineHub.Api.Accounts;
using DineHub.Api.Http;
using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DineHub.Api.Kitchens;

/// <summary>A kitchen's queue, pause and load.</summary>
internal static class KitchenEndpoints
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromDays(30);
    private static readonly TimeSpan MaxBusyPeriod = TimeSpan.FromDays(1);

    public static IEndpointRouteBuilder MapKitchens(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants/{restaurantId:guid}/kitchen").WithTags("Kitchens");
        group.MapGet("/", GetAsync).WithName("GetKitchen").WithSummary("Read a kitchen's pause, load and capacity.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Kitchen);
        group.MapPut("/pause", PauseAsync).WithName("PauseKitchen").WithSummary("Pause a kitchen until a time: no orders are accepted.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Kitchen);
        group.MapDelete("/pause", ResumeAsync).WithName("ResumeKitchen").WithSummary("End a kitchen's pause.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Kitchen);
        group.MapPut("/busy", SetBusyAsync).WithName("SetKitchenBusy").WithSummary("Set a kitchen busy until a time: quoted times are longer.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Kitchen);
        group.MapDelete("/busy", ClearBusyAsync).WithName("ClearKitchenBusy").WithSummary("End a kitchen's busy period.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Kitchen);
        group.MapPut("/capacity", SetCapacityAsync).WithName("SetKitchenCapacity").WithSummary("Set a kitchen's capacity.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Manager);
        group.MapGet("/events", WatchAsync).WithName("WatchKitchen").WithSummary("Follow the queue by server-sent events.")
            .WithDescription(
                "Sends an event \"order\" for each open order, then \"live\", then \"order\" with the whole order for each change on any replica. "
                + "With Last-Event-ID, later changes come first. An order may be sent twice: the higher version is the newer. Sends a heartbeat every "
                + "10 seconds. The stream ends when the access token expires: refresh the token and reconnect with Last-Event-ID.")
            .Produces<Order>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Kitchen)
            .Streamed();
        return routes;
    }

    private static async Task<Results<Ok<Kitchen>, ProblemHttpResult>> GetAsync(
        Guid restaurantId, MenuCatalog menus, OpenOrders openOrders, TimeProvider time, CancellationToken ct) =>
        await menus.ReloadAsync(restaurantId, ct) is { } menu
            ? TypedResults.Ok(Kitchen.Of(menu.Kitchen, await openOrders.CountAsync(restaurantId, ct), menu.Restaurant.PreparationMinutes, time.GetUtcNow()))
            : Problems.UnknownRestaurant();

    private static async Task<Results<Ok<Kitchen>, ValidationProblem, ProblemHttpResult>> PauseAsync(
        Guid restaurantId, PauseRequest request, KitchenChange change, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        CheckUntil(request.Until, MaxPause, time, errors);
        errors.Limit("reason", request.Reason, 200);
        return errors.Any
            ? errors.ToBadRequest()
            : Show(await change.ApplyAsync(restaurantId, kitchens => kitchens.PauseAsync(restaurantId, request.Until!.Value.ToUniversalTime(), request.Reason, ct), ct));
    }

    private static async Task<Results<Ok<Kitchen>, ProblemHttpResult>> ResumeAsync(Guid restaurantId, KitchenChange change, CancellationToken ct) =>
        await change.ApplyAsync(restaurantId, kitchens => kitchens.PauseAsync(restaurantId, until: null, reason: null, ct), ct) is { } kitchen
            ? TypedResults.Ok(kitchen)
            : Problems.UnknownRestaurant();

    private static async Task<Results<Ok<Kitchen>, ValidationProblem, ProblemHttpResult>> SetBusyAsync(
        Guid restaurantId, BusyRequest request, KitchenChange change, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        CheckUntil(request.Until, MaxBusyPeriod, time, errors);
        return errors.Any
            ? errors.ToBadRequest()
            : Show(await change.ApplyAsync(restaurantId, kitchens => kitchens.SetBusyAsync(restaurantId, request.Until!.Value.ToUniversalTime(), ct), ct));
    }

    private static async Task<Results<Ok<Kitchen>, ProblemHttpResult>> ClearBusyAsync(Guid restaurantId, KitchenChange change, CancellationToken ct) =>
        await change.ApplyAsync(restaurantId, kitchens => kitchens.SetBusyAsync(restaurantId, until: null, ct), ct) is { } kitchen
            ? TypedResults.Ok(kitchen)
            : Problems.UnknownRestaurant();

    private static async Task<Results<Ok<Kitchen>, ValidationProblem, ProblemHttpResult>> SetCapacityAsync(
        Guid restaurantId, CapacitySettings request, KitchenChange change, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Range("parallelOrders", request.ParallelOrders, 1, 1000);
        errors.Range("busyMinutes", request.BusyMinutes, 0, 240);
        errors.Range("acceptMinutes", request.AcceptMinutes, 1, 120);
        errors.Range("busyFrom", request.BusyFrom ?? 1, 1, 100_000);
        errors.Range("fullFrom", request.FullFrom ?? 1, 1, 100_000);
        return errors.Any
            ? errors.ToBadRequest()
            : Show(await change.ApplyAsync(restaurantId, kitchens => kitchens.SetCapacityAsync(restaurantId, request, ct), ct));
    }

    private static async Task<Results<ServerSentEventsResult<Order?>, ProblemHttpResult>> WatchAsync(
        Guid restaurantId,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId,
        MenuCatalog menus,
        OrderStreams streams,
        HttpContext http,
        CancellationToken ct) =>
        await menus.FindAsync(restaurantId, ct) is { } menu
            ? TypedResults.ServerSentEvents(streams.QueueAsync(menu, lastEventId, OrderStreams.TokenExpires(http), ct))
            : Problems.UnknownRestaurant();

    private static Results<Ok<Kitchen>, ValidationProblem, ProblemHttpResult> Show(Kitchen? kitchen) =>
        kitchen is null ? Problems.UnknownRestaurant() : TypedResults.Ok(kitchen);

    private static void CheckUntil(DateTimeOffset? until, TimeSpan longest, TimeProvider time, FieldErrors errors)
    {
        var now = time.GetUtcNow();
        if (until is not { } end || end <= now || end > now + longest)
        {
            errors.Add("until", $"must be a time in the next {longest.TotalDays} days");
        }
    }
}
