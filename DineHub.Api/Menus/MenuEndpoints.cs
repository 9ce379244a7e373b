using DineHub.Api.Accounts;
using DineHub.Api.Http;
using DineHub.Api.Http.Caching;
using DineHub.Api.Http.Errors;
using DineHub.Api.Images;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Menus;

/// <summary>Menus, and what has run out.</summary>
internal static class MenuEndpoints
{
    public static IEndpointRouteBuilder MapMenus(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants/{restaurantId:guid}").WithTags("Menus");
        group.MapGet("/menu", GetAsync).WithName("GetMenu").AllowAnonymous().WithCacheRule(CacheRule.Revalidate)
            .WithSummary("Read a restaurant's whole menu.")
            .WithDescription(
                "Conditional: If-None-Match with the ETag of an unchanged menu returns 304; each content coding has its own ETag. At most 5 seconds "
                + "old; current for staff.")
            .Produces<Menu>()
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        group.MapPut("/menu", ReplaceAsync).WithName("ReplaceMenu").WithSummary("Replace a restaurant's menu.")
            .WithDescription(
                "Requires If-Match with the ETag of the edited menu (428 if absent, 412 if the menu has changed since; only the version "
                + "before the hyphen counts). Unavailability and stock are kept, by item id.")
            .Produces<Menu>()
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status428PreconditionRequired)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireStaff(StaffRole.Manager);
        MapAvailability(group, "/menu/items/{itemId}", "Item", TakeItemOffAsync, PutItemBackAsync);
        MapAvailability(group, "/menu/items/{itemId}/options/{optionId}", "Option", TakeOffAsync, PutBackAsync);
        group.MapGet("/stock", ListStockAsync).WithName("ListStock").WithSummary("List tracked items.").RequireStaff(StaffRole.Kitchen);
        group.MapPut("/stock/{itemId}", SetStockAsync).WithName("SetStock").WithSummary("Set an item's tracked stock.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Kitchen);
        group.MapDelete("/stock/{itemId}", RemoveStockAsync).WithName("RemoveStock").WithSummary("Stop tracking an item's stock.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Kitchen);
        return routes;
    }

    private static void MapAvailability(RouteGroupBuilder group, string route, string what, Delegate takeOff, Delegate putBack)
    {
        group.MapPut(route + "/unavailable", takeOff).WithName($"Take{what}Off").WithSummary($"Take an {what.ToLowerInvariant()} off the menu (\"86\"), until a time or until it is put back.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Kitchen);
        group.MapDelete(route + "/unavailable", putBack).WithName($"Put{what}Back").WithSummary($"Put an {what.ToLowerInvariant()} back on the menu.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Kitchen);
    }

    private static async Task<Results<FileContentHttpResult, StatusCodeHttpResult, ProblemHttpResult>> GetAsync(
        Guid restaurantId, MenuCatalog menus, IResponseCompressionProvider compression, HttpContext http, CancellationToken ct)
    {
        // Who changes a menu changes what the database has, not a copy.
        var isStaff = http.User.IsStaffOf(restaurantId);
        if (await (isStaff ? menus.ReloadAsync(restaurantId, ct) : menus.FindAsync(restaurantId, ct)) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        if (isStaff)
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        var representation = menu.Representations.In(compression.GetCompressionProvider(http));
        var etag = new EntityTagHeaderValue(representation.ETag);
        http.Response.GetTypedHeaders().ETag = etag;
        http.Response.Headers.Vary = HeaderNames.AcceptEncoding;

        // RFC 9110, section 13.1.2: If-None-Match compares weakly, and "*" matches whatever is there.
        return http.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(etag, useStrongComparison: false))
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : Send(representation, http);
    }

    private static async Task<Results<FileContentHttpResult, ValidationProblem, ProblemHttpResult>> ReplaceAsync(
        Guid restaurantId, MenuDocument document, MenuCatalog menus, MenuStore store, IImageStore images, HttpContext http, CancellationToken ct)
    {
        if (!http.TryReadIfMatch(out var version, out var problem))
        {
            return problem;
        }

        if (await menus.ReloadAsync(restaurantId, ct) is not { } current)
        {
            return Problems.UnknownRestaurant();
        }

        if (MenuRules.Check(document, current.Restaurant.Tax, images) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        if (!await store.TryReplaceAsync(restaurantId, MenuRules.WithoutMarks(document), version ?? current.Version, ct))
        {
            return Problems.VersionMismatch(current.Version);
        }

        var changed = (await menus.ReloadAsync(restaurantId, ct))!;
        http.Response.GetTypedHeaders().ETag = new EntityTagHeaderValue(changed.Representations.Plain.ETag);
        return Send(changed.Representations.Plain, http);
    }

    // Not the same as for an option: its id would be taken from the query.
    private static Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> TakeItemOffAsync(
        Guid restaurantId, string itemId, UnavailableRequest request, MenuCatalog menus, MenuStore store, TimeProvider time, CancellationToken ct) =>
        TakeOffAsync(restaurantId, itemId, request, menus, store, time, ct);

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> TakeOffAsync(
        Guid restaurantId, string itemId, UnavailableRequest request, MenuCatalog menus, MenuStore store, TimeProvider time, CancellationToken ct, string? optionId = null)
    {
        if (request.Until <= time.GetUtcNow())
        {
            var errors = new FieldErrors();
            errors.Add("until", "must be in the future");
            return errors.ToBadRequest();
        }

        var mark = new Unavailability(request.Until?.ToUniversalTime());
        return await ChangeAsync(restaurantId, itemId, optionId, menus, key => store.TakeOffAsync(restaurantId, key, mark, ct), ct) is { } problem
            ? problem
            : TypedResults.NoContent();
    }

    private static Task<Results<NoContent, ProblemHttpResult>> PutItemBackAsync(
        Guid restaurantId, string itemId, MenuCatalog menus, MenuStore store, CancellationToken ct) =>
        PutBackAsync(restaurantId, itemId, menus, store, ct);

    private static async Task<Results<NoContent, ProblemHttpResult>> PutBackAsync(
        Guid restaurantId, string itemId, MenuCatalog menus, MenuStore store, CancellationToken ct, string? optionId = null) =>
        await ChangeAsync(restaurantId, itemId, optionId, menus, key => store.PutBackAsync(restaurantId, key, ct), ct) is { } problem
            ? problem
            : TypedResults.NoContent();

    /// <returns>Why nothing was changed; null where it was.</returns>
    private static async Task<ProblemHttpResult?> ChangeAsync(
        Guid restaurantId, string itemId, string? optionId, MenuCatalog menus, Func<string, Task> change, CancellationToken ct)
    {
        if (await menus.ReloadAsync(restaurantId, ct) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        if (!menu.Items.TryGetValue(itemId, out var item)
            || (optionId is not null && !item.ModifierGroups.Any(group => group.Options.Any(option => option.Id == optionId))))
        {
            return Problems.UnknownItem();
        }

        await change(PublishedMenu.Key(itemId, optionId));
        await menus.ReloadAsync(restaurantId, ct);
        return null;
    }

    private static async Task<Ok<StockList>> ListStockAsync(Guid restaurantId, StockStore stock, CancellationToken ct) =>
        TypedResults.Ok(new StockList(await stock.ListAsync(restaurantId, ct)));

    private static async Task<Results<Ok<StockLevel>, ValidationProblem, ProblemHttpResult>> SetStockAsync(
        Guid restaurantId, string itemId, StockRequest request, MenuCatalog menus, MenuStore store, StockStore stock, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Range("quantity", request.Quantity, 0, 100_000);
        errors.Range("lowMark", request.LowMark, 0, 100_000);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (await menus.ReloadAsync(restaurantId, ct) is not { } menu)
        {
            return Problems.UnknownRestaurant();
        }

        if (!menu.Items.ContainsKey(itemId))
        {
            return Problems.UnknownItem();
        }

        var level = new StockLevel(itemId, request.Quantity!.Value, request.LowMark!.Value);
        if (!await stock.SetAsync(restaurantId, level, ct))
        {
            // Replicas that do not know yet that the item is tracked would sell it without taking from stock.
            await store.TouchAsync(restaurantId, ct);
        }

        await menus.ReloadAsync(restaurantId, ct);
        return TypedResults.Ok(level);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveStockAsync(
        Guid restaurantId, string itemId, MenuCatalog menus, StockStore stock, CancellationToken ct)
    {
        if (!await stock.RemoveAsync(restaurantId, itemId, ct))
        {
            return Problems.UnknownItem();
        }

        await menus.ReloadAsync(restaurantId, ct);
        return TypedResults.NoContent();
    }

    private static FileContentHttpResult Send(Representation menu, HttpContext http)
    {
        http.Response.Headers.ContentEncoding = menu.Encoding;
        return TypedResults.Bytes(menu.Body, "application/json; charset=utf-8");
    }
}
