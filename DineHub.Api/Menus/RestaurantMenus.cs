using DineHub.Api.Restaurants;

namespace DineHub.Api.Menus;

/// <inheritdoc/>
/// <param name="catalog">The copies of menus.</param>
/// <param name="store">The menus.</param>
internal sealed class RestaurantMenus(MenuCatalog catalog, MenuStore store) : IRestaurantMenus
{
    /// <inheritdoc/>
    public Task CreateAsync(Guid restaurantId, CancellationToken ct) => store.CreateAsync(restaurantId, ct);

    /// <inheritdoc/>
    public async Task<TaxedRestaurant?> FindAsync(Guid restaurantId, CancellationToken ct) =>
        await catalog.ReloadAsync(restaurantId, ct) is { } menu
            ? new TaxedRestaurant(menu.Restaurant, [.. menu.Items.Values.Where(item => item.TaxRate is not null).Select(item => (item.Id, item.TaxRate!))])
            : null;

    /// <inheritdoc/>
    public async Task RenewAsync(Guid restaurantId, CancellationToken ct)
    {
        await store.TouchAsync(restaurantId, ct);
        await catalog.ReloadAsync(restaurantId, ct);
    }
}
