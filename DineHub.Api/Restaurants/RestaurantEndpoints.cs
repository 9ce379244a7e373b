using DineHub.Api.Accounts;
using DineHub.Api.Data;
using DineHub.Api.Http;
using DineHub.Api.Http.Caching;
using DineHub.Api.Http.Errors;
using DineHub.Database.Locality;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Restaurants;

/// <summary>The directory, and the restaurants' profiles.</summary>
internal static class RestaurantEndpoints
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;
    private const int MaxTextLength = 100;
    private const int FurthestMeters = 20_100_000;

    public static IEndpointRouteBuilder MapRestaurants(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants").WithTags("Restaurants");
        group.MapGet("/", ListAsync).WithName("ListRestaurants").AllowAnonymous().WithCacheRule(CacheRule.Revalidate).Compressed()
            .WithSummary("Search restaurants, a page at a time.")
            .WithDescription(
                $"limit: 1 to {MaxLimit}, default {DefaultLimit}. cursor: the nextCursor of the previous page of the same search. near: \"latitude,longitude\", "
                + "sorts by distance; radius: metres from near. text: in the name, description, city or cuisines. A page may be shorter than limit although another page follows.");
        group.MapGet("/{restaurantId:guid}", GetAsync).WithName("GetRestaurant").WithSummary("Read one restaurant.").AllowAnonymous().WithCacheRule(CacheRule.Revalidate)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group.MapGet("/{restaurantId:guid}/slots", SlotsAsync).WithName("ListSlots").WithSummary("List the times that an order can be scheduled for.")
            .WithDescription("date: in the restaurant's time zone, at most 7 days ahead.")
            .AllowAnonymous()
            .WithCacheRule(CacheRule.Revalidate)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group.MapPost("/", CreateAsync).WithName("CreateRestaurant").WithSummary("Create a restaurant, with an empty menu.")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireOperator();
        group.MapPut("/{restaurantId:guid}", ChangeAsync).WithName("ChangeRestaurant").WithSummary("Change a restaurant's profile.")
            .WithDescription("Requires If-Match with the restaurant's ETag (428 if absent, 412 if the restaurant has changed since).")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status428PreconditionRequired)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireStaff(StaffRole.Owner);
        group.MapPost("/{restaurantId:guid}/close", CloseAsync).WithName("CloseRestaurant").WithSummary("Close a restaurant for good: it leaves the directory and takes no orders.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireOperator();
        group.MapPost("/{restaurantId:guid}/reopen", ReopenAsync).WithName("ReopenRestaurant").WithSummary("Open a closed restaurant again.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireOperator();
        return routes;
    }

    private static async Task<Results<Ok<RestaurantPage>, ValidationProblem>> ListAsync(
        RestaurantDirectory directory,
        TimeProvider time,
        CancellationToken ct,
        int limit = DefaultLimit,
        string? cursor = null,
        string? text = null,
        string? cuisine = null,
        string? near = null,
        int? radius = null,
        bool openNow = false,
        bool acceptingOrders = false)
    {
        var errors = new FieldErrors();
        errors.Range<int>("limit", limit, 1, MaxLimit);
        errors.Limit("text", text, MaxTextLength);
        errors.Limit("cuisine", cuisine, MaxTextLength);
        GeoPoint? point = null;
        if (near is not null && !GeoPoint.TryParse(near, out point))
        {
            errors.Add("near", "must be latitude,longitude in degrees, such as 53.34,-6.26");
        }

        errors.Range<int>("radius", radius ?? 1, 1, FurthestMeters);
        if (radius is not null && near is null)
        {
            errors.Add("radius", "is only for near");
        }

        RestaurantCursor? after = null;
        if (cursor is not null && !(RestaurantCursor.TryParse(cursor, out after) && (near is null || double.TryParse(after.Key, System.Globalization.CultureInfo.InvariantCulture, out _))))
        {
            errors.Add("cursor", "must be the nextCursor of an earlier page");
        }

        return errors.Any
            ? errors.ToBadRequest()
            : TypedResults.Ok(await directory.SearchAsync(
                new RestaurantSearch(Blank(text), Blank(cuisine), point, radius, openNow, acceptingOrders), after, limit, time.GetUtcNow(), ct));
    }

    private static async Task<Results<Ok<Restaurant>, ProblemHttpResult>> GetAsync(
        Guid restaurantId, RestaurantDirectory directory, TimeProvider time, HttpContext http, CancellationToken ct) =>
        Show(await directory.FindAsync(restaurantId, ct), time, http);

    private static async Task<Results<Ok<SlotList>, ValidationProblem, ProblemHttpResult>> SlotsAsync(
        Guid restaurantId, RestaurantDirectory directory, TimeProvider time, CancellationToken ct, DateOnly? date = null)
    {
        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return Problems.UnknownRestaurant();
        }

        var now = time.GetUtcNow();
        var today = restaurant.Schedule.LocalDate(now);
        var day = date ?? today;
        if (day < today || day > today.AddDays((int)Restaurant.FurthestSlot.TotalDays))
        {
            var errors = new FieldErrors();
            errors.Add("date", $"must be between {today:O} and {today.AddDays((int)Restaurant.FurthestSlot.TotalDays):O}");
            return errors.ToBadRequest();
        }

        var slots = restaurant.ClosedAt is null ? restaurant.Schedule.Slots(day, restaurant.EarliestSlot(now)) : [];
        return TypedResults.Ok(new SlotList(day, restaurant.TimeZone, [.. slots.Where(slot => slot <= now + Restaurant.FurthestSlot)]));
    }

    private static async Task<Results<Created<Restaurant>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateRestaurantRequest request,
        RestaurantDirectory directory,
        RestaurantIds ids,
        IRestaurantMenus menus,
        KitchenStore kitchens,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        if (RestaurantRules.Check(request) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        var now = time.GetUtcNow().ToMicroseconds();
        var id = await ids.NewAsync(request.Region!, now, ct);
        var restaurant = Merge(
            new Restaurant(
                id, request.Slug!, "", "", "", request.Region!, "", "", 0, 0, [], request.Currency!, new Tax(0, Included: true), request.Profile!.TimeZone!, new OpeningHours([], []),
                0, 1, Pickup: true, TableService: true, Delivery: null, ClosedAt: null, PausedUntil: null, Version: 1),
            request.Profile!);

        // Its own shard first: a restaurant that the directory shows can be ordered from. If the last step fails, the
        // leftover rows have an id that no row refers to.
        await menus.CreateAsync(id, ct);
        await kitchens.CreateAsync(id, ct);
        if (!await directory.TryCreateAsync(restaurant, now))
        {
            return Problems.Refuse(StatusCodes.Status409Conflict, Refusal.SlugTaken, "There is a restaurant with this slug.");
        }

        http.SetETag(restaurant.Version);
        return TypedResults.Created($"/api/v1/restaurants/{id}", restaurant.At(now));
    }

    private static async Task<Results<Ok<Restaurant>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid restaurantId,
        RestaurantProfile request,
        RestaurantDirectory directory,
        IRestaurantMenus menus,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        if (!http.TryReadIfMatch(out var version, out var problem))
        {
            return problem;
        }

        var errors = new FieldErrors();
        RestaurantRules.Check(request, "", errors);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (await menus.FindAsync(restaurantId, ct) is not ({ } restaurant, { } taxRates))
        {
            return Problems.UnknownRestaurant();
        }

        var rates = (request.Tax!.OtherRates ?? []).Select(rate => rate.Id).ToHashSet(StringComparer.Ordinal);
        if (taxRates.FirstOrDefault(used => !rates.Contains(used.TaxRate)) is (ItemId: { } itemId, TaxRate: var taxRate))
        {
            errors.Add("tax.otherRates", $"must keep '{taxRate}': the menu's item '{itemId}' has it");
            return errors.ToUnprocessable(Refusal.TaxRateInUse, "A tax rate is in use.");
        }

        if (await directory.TryUpdateAsync(Merge(restaurant, request), version ?? restaurant.Version) is not { } changed)
        {
            return Problems.VersionMismatch(restaurant.Version);
        }

        await menus.RenewAsync(restaurantId, ct);
        return Ok(changed, time, http);
    }

    private static Task<Results<Ok<Restaurant>, ProblemHttpResult>> CloseAsync(
        Guid restaurantId, RestaurantDirectory directory, IRestaurantMenus menus, TimeProvider time, HttpContext http, CancellationToken ct) =>
        SetClosedAsync(restaurantId, time.GetUtcNow().ToMicroseconds(), directory, menus, time, http, ct);

    private static Task<Results<Ok<Restaurant>, ProblemHttpResult>> ReopenAsync(
        Guid restaurantId, RestaurantDirectory directory, IRestaurantMenus menus, TimeProvider time, HttpContext http, CancellationToken ct) =>
        SetClosedAsync(restaurantId, closedAt: null, directory, menus, time, http, ct);

    private static async Task<Results<Ok<Restaurant>, ProblemHttpResult>> SetClosedAsync(
        Guid restaurantId,
        DateTimeOffset? closedAt,
        RestaurantDirectory directory,
        IRestaurantMenus menus,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct)
    {
        if (await directory.SetClosedAsync(restaurantId, closedAt) is not { } changed)
        {
            return Problems.UnknownRestaurant();
        }

        await menus.RenewAsync(restaurantId, ct);
        return Ok(changed, time, http);
    }

    private static Results<Ok<Restaurant>, ProblemHttpResult> Show(Restaurant? restaurant, TimeProvider time, HttpContext http) =>
        restaurant is null ? Problems.UnknownRestaurant() : Ok(restaurant, time, http);

    private static Ok<Restaurant> Ok(Restaurant restaurant, TimeProvider time, HttpContext http)
    {
        http.SetETag(restaurant.Version);
        return TypedResults.Ok(restaurant.At(time.GetUtcNow()));
    }

    private static Restaurant Merge(Restaurant restaurant, RestaurantProfile profile) => new(
        restaurant.Id,
        restaurant.Slug,
        profile.Name!.Trim(),
        profile.Description?.Trim() ?? "",
        profile.Phone?.Trim() ?? "",
        restaurant.Region,
        profile.City!.Trim(),
        profile.Address!.Trim(),
        profile.Latitude!.Value,
        profile.Longitude!.Value,
        [.. profile.Cuisines!.Select(cuisine => cuisine!.Trim())],
        restaurant.Currency,
        profile.Tax!,
        profile.TimeZone!,
        profile.OpeningHours!,
        profile.MinimumOrder!.Value,
        profile.PreparationMinutes!.Value,
        profile.Pickup ?? true,
        profile.TableService ?? true,
        profile.Delivery,
        restaurant.ClosedAt,
        restaurant.PausedUntil,
        restaurant.Version);

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
