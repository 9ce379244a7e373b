namespace DineHub.Api.Menus;

/// <summary>One way to change an item: a size, an extra.</summary>
/// <param name="Id">Unique within its item.</param>
/// <param name="Name">The name.</param>
/// <param name="Price">What it adds to the item's price, in minor currency units, from 0.</param>
public sealed record ModifierOption(string Id, string Name, long Price);

/// <summary>Options of which a customer chooses some.</summary>
/// <param name="Id">Unique within its item.</param>
/// <param name="Name">The name.</param>
/// <param name="Min">The fewest options that must be chosen; 0 where none need be.</param>
/// <param name="Max">The most options that may be chosen, from 1.</param>
/// <param name="Options">The options.</param>
public sealed record ModifierGroup(string Id, string Name, int Min, int Max, IReadOnlyList<ModifierOption> Options);

/// <summary>Something to order.</summary>
/// <param name="Id">Unique within the menu.</param>
/// <param name="Name">The name.</param>
/// <param name="Description">What it is.</param>
/// <param name="Price">The price in minor currency units, from 0, taxed as the restaurant says.</param>
/// <param name="Allergens">Of the 14 allergens of Regulation (EU) No 1169/2011, Annex II.</param>
/// <param name="Dietary">Marks such as vegetarian.</param>
/// <param name="ModifierGroups">How it can be changed.</param>
public sealed record MenuItem(
    string Id,
    string Name,
    string Description,
    long Price,
    IReadOnlyList<string> Allergens,
    IReadOnlyList<string> Dietary,
    IReadOnlyList<ModifierGroup> ModifierGroups);

/// <summary>A part of the menu.</summary>
/// <param name="Id">Unique within the menu.</param>
/// <param name="Name">The name.</param>
/// <param name="Items">The items, in the order that they are shown in.</param>
public sealed record MenuCategory(string Id, string Name, IReadOnlyList<MenuItem> Items);

/// <summary>The document that is stored: a whole menu.</summary>
/// <param name="Categories">The categories, in the order that they are shown in.</param>
public sealed record MenuDocument(IReadOnlyList<MenuCategory> Categories);

/// <summary>A restaurant's menu.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="Version">Grows with every change, from 1.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="Categories">The categories, in the order that they are shown in.</param>
public sealed record Menu(Guid RestaurantId, int Version, string Currency, IReadOnlyList<MenuCategory> Categories);
