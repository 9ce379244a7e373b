using DineHub.Api.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Menus;

/// <summary>Menus.</summary>
internal static class MenuEndpoints
{
    public static IEndpointRouteBuilder MapMenus(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/restaurants/{restaurantId:guid}/menu", GetAsync).WithTags("Menus").WithName("GetMenu")
            .WithSummary("Read a restaurant's whole menu.")
            .WithDescription("Conditional: with If-None-Match and the ETag of an unchanged menu the answer is 304.")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        return routes;
    }

    private static async Task<Results<Ok<Menu>, StatusCodeHttpResult, ProblemHttpResult>> GetAsync(
        Guid restaurantId, MenuCatalog menus, HttpContext http, CancellationToken ct)
    {
        if (await menus.FindAsync(restaurantId, ct) is not { Menu: var menu })
        {
            return Problems.UnknownRestaurant();
        }

        var etag = http.SetETag(menu.Version);
        http.Response.Headers.CacheControl = "no-cache";

        // RFC 9110, section 13.1.2: If-None-Match compares weakly, and "*" matches whatever is there.
        return http.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(etag, useStrongComparison: false))
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(menu);
    }
}
