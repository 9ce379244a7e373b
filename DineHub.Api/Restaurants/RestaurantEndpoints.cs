using DineHub.Api.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Restaurants;

/// <summary>The directory.</summary>
internal static class RestaurantEndpoints
{
    private const int DefaultLimit = 20;
    private const int MostLimit = 100;

    public static IEndpointRouteBuilder MapRestaurants(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants").WithTags("Restaurants");
        group.MapGet("/", ListAsync).WithName("ListRestaurants")
            .WithSummary("List restaurants by name, a page at a time.")
            .WithDescription($"limit: 1 to {MostLimit}, {DefaultLimit} unless given. cursor: the nextCursor of the page before.");
        group.MapGet("/{restaurantId:guid}", GetAsync).WithName("GetRestaurant").WithSummary("Read one restaurant.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        return routes;
    }

    private static async Task<Results<Ok<RestaurantPage>, ValidationProblem>> ListAsync(
        RestaurantDirectory directory, CancellationToken ct, int limit = DefaultLimit, string? cursor = null)
    {
        var errors = new FieldErrors();
        if (limit is < 1 or > MostLimit)
        {
            errors.Add("limit", $"must be between 1 and {MostLimit}");
        }

        RestaurantCursor? after = null;
        if (cursor is not null && !RestaurantCursor.TryParse(cursor, out after))
        {
            errors.Add("cursor", "must be the nextCursor of an earlier page");
        }

        return errors.Any ? errors.ToBadRequest() : TypedResults.Ok(await directory.ListAsync(after, limit, ct));
    }

    private static async Task<Results<Ok<Restaurant>, ProblemHttpResult>> GetAsync(
        Guid restaurantId, RestaurantDirectory directory, CancellationToken ct) =>
        await directory.FindAsync(restaurantId, ct) is { } restaurant ? TypedResults.Ok(restaurant) : Problems.UnknownRestaurant();
}
