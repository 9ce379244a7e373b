namespace DineHub.Api.Restaurants;

/// <summary>How a restaurant's prices are taxed.</summary>
/// <param name="RateBasisPoints">The rate in hundredths of a percent, 0 to 10000: 1350 is 13.5 %.</param>
/// <param name="Included">Whether the menu's prices include the tax (usual in Europe) or it is added to them (usual in the USA).</param>
public sealed record Tax(int RateBasisPoints, bool Included);

/// <summary>A restaurant, as the directory shows it.</summary>
/// <param name="Id">The restaurant's id, which stands in the route of everything that is the restaurant's.</param>
/// <param name="Slug">A readable name for addresses, unique.</param>
/// <param name="Name">The name.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Region">The region that its data lives in.</param>
/// <param name="City">The city.</param>
/// <param name="Address">The postal address.</param>
/// <param name="Latitude">Degrees north, -90 to 90 (WGS 84).</param>
/// <param name="Longitude">Degrees east, -180 to 180 (WGS 84).</param>
/// <param name="Cuisines">What it cooks.</param>
/// <param name="Currency">The ISO 4217 code of all its amounts.</param>
/// <param name="Tax">How its prices are taxed.</param>
/// <param name="TimeZone">The IANA name of its time zone.</param>
public sealed record Restaurant(
    Guid Id,
    string Slug,
    string Name,
    string Description,
    string Region,
    string City,
    string Address,
    double Latitude,
    double Longitude,
    IReadOnlyList<string> Cuisines,
    string Currency,
    Tax Tax,
    string TimeZone);

/// <summary>A page of the directory.</summary>
/// <param name="Items">The restaurants, by name.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> for the next page; null on the last.</param>
public sealed record RestaurantPage(IReadOnlyList<Restaurant> Items, string? NextCursor);
