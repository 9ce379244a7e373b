namespace DineHub.Api.Restaurants;

/// <summary>A restaurant with the tax rates in use on its menu.</summary>
/// <param name="Restaurant">The restaurant, as the database has it now.</param>
/// <param name="TaxRates">The menu's items that are not taxed at the usual rate: the item's id, the rate's id.</param>
internal sealed record TaxedRestaurant(Restaurant Restaurant, IReadOnlyList<(string ItemId, string TaxRate)> TaxRates);

/// <summary>The menus, as far as restaurants depend on them.</summary>
internal interface IRestaurantMenus
{
    /// <summary>Creates an empty menu.</summary>
    Task CreateAsync(Guid restaurantId, CancellationToken ct);

    /// <summary>Finds a restaurant and the tax rates in use; null where there is no such restaurant.</summary>
    Task<TaxedRestaurant?> FindAsync(Guid restaurantId, CancellationToken ct);

    /// <summary>Makes replicas that keep a copy of the menu read it again: they price at the old terms.</summary>
    Task RenewAsync(Guid restaurantId, CancellationToken ct);
}
