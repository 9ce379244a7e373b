using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Kitchens;

/// <summary>Changes a kitchen and tells the directory.</summary>
/// <param name="kitchens">The kitchens.</param>
/// <param name="menus">The menus, which keep a copy.</param>
/// <param name="openOrders">How much the kitchens have to do.</param>
/// <param name="listing">Copies pauses to the directory.</param>
/// <param name="time">The clock.</param>
internal sealed class KitchenChange(KitchenStore kitchens, MenuCatalog menus, OpenOrders openOrders, KitchenListing listing, TimeProvider time)
{
    /// <returns>The kitchen after the change; null where there is no such restaurant.</returns>
    public async Task<Kitchen?> ApplyAsync(Guid restaurantId, Func<KitchenStore, Task> change, CancellationToken ct)
    {
        await change(kitchens);
        if (await menus.ReloadAsync(restaurantId, ct) is not { } menu)
        {
            return null;
        }

        listing.Announce(restaurantId);
        return Kitchen.Of(menu.Kitchen, await openOrders.CountAsync(restaurantId, ct), menu.Restaurant.PreparationMinutes, time.GetUtcNow());
    }
}
