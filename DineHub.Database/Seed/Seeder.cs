using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Database.Cluster;
using DineHub.Database.Locality;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Seed;

/// <summary>What a seed run did.</summary>
/// <param name="Added">Restaurants that were not there before.</param>
/// <param name="Total">Restaurants of the seed.</param>
public sealed record SeedResult(int Added, int Total);

/// <summary>Fills a database with example restaurants and menus, for development and tests. What is there already stays as it is.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="time">The clock.</param>
public sealed class Seeder(DatabaseCluster cluster, TimeProvider time)
{
    private const int MaxCandidates = 1000;

    /// <summary>Adds the restaurants of the seed that are missing.</summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="NpgsqlException">A node does not answer.</exception>
    public async Task<SeedResult> SeedAsync(CancellationToken ct)
    {
        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        var restaurants = Load();
        var added = 0;
        foreach (var region in restaurants.GroupBy(restaurant => restaurant.Region))
        {
            // In turn: each worker of the region has some, whatever their number and the shards'.
            foreach (var (turn, restaurant) in region.Index())
            {
                var id = await LocalIdAsync(coordinator, restaurant, turn, ct);
                added += await AddAsync(coordinator, id, restaurant, ct) ? 1 : 0;
            }
        }

        return new SeedResult(added, restaurants.Count);
    }

    /// <summary>Derived from the slug: the same id at each run over the same workers.</summary>
    private static async Task<Guid> LocalIdAsync(NpgsqlConnection coordinator, SeedRestaurant restaurant, int turn, CancellationToken ct)
    {
        var existing = await coordinator.ScalarAsync<Guid>("SELECT id FROM restaurants WHERE slug = $1", ct, restaurant.Slug);
        return existing != Guid.Empty
            ? existing
            : await RestaurantIds.FirstLocalAsync(
                coordinator, restaurant.Region, [.. Enumerable.Range(0, MaxCandidates).Select(n => NameBasedId(restaurant.Slug, n))], ct, turn);
    }

    private static Guid NameBasedId(string slug, int number) =>
        HashedId.Of(SHA256.HashData(Encoding.UTF8.GetBytes($"dinehub/restaurants/{slug}/{number}")));

    // The restaurant's own shard first: a restaurant that the directory shows can always be ordered from. Each statement touches one
    // node, and each may be there already from a run that was interrupted.
    private async Task<bool> AddAsync(NpgsqlConnection coordinator, Guid id, SeedRestaurant restaurant, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        foreach (var item in restaurant.Stock)
        {
            await coordinator.ExecuteAsync(
                "INSERT INTO stock (restaurant_id, item_id, quantity, low_mark, updated_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                ct, id, item.ItemId, item.Quantity, item.LowMark, now);
        }

        await coordinator.ExecuteAsync(
            "INSERT INTO menus (restaurant_id, version, document, updated_at) VALUES ($1, 1, $2::text::jsonb, $3) ON CONFLICT DO NOTHING",
            ct, id, restaurant.Menu.GetRawText(), now);
        await coordinator.ExecuteAsync(
            "INSERT INTO kitchens (restaurant_id, version, listed_version, updated_at) VALUES ($1, 1, 1, $2) ON CONFLICT DO NOTHING", ct, id, now);
        return await coordinator.ExecuteAsync(
            """
            INSERT INTO restaurants (id, slug, name, description, region, city, address, latitude, longitude, cuisines,
                                     currency, tax_rate_basis_points, tax_included, time_zone, created_at,
                                     phone, other_tax_rates, opening_hours, minimum_order, preparation_minutes, pickup, table_service,
                                     delivery_radius, delivery_fee, kitchen_version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                    $16, $17::text::jsonb, $18::text::jsonb, $19, $20, $21, $22, $23, $24, 1)
            ON CONFLICT DO NOTHING
            """,
            ct,
            id,
            restaurant.Slug,
            restaurant.Name,
            restaurant.Description,
            restaurant.Region,
            restaurant.City,
            restaurant.Address,
            restaurant.Latitude,
            restaurant.Longitude,
            restaurant.Cuisines,
            restaurant.Currency,
            restaurant.TaxRateBasisPoints,
            restaurant.TaxIncluded,
            restaurant.TimeZone,
            now,
            restaurant.Phone,
            restaurant.OtherTaxRates.GetRawText(),
            restaurant.OpeningHours.GetRawText(),
            restaurant.MinimumOrder,
            restaurant.PreparationMinutes,
            restaurant.Pickup,
            restaurant.TableService,
            (object?)restaurant.Delivery?.RadiusMeters ?? DBNull.Value,
            restaurant.Delivery?.Fee ?? 0L) == 1;
    }

    private static List<SeedRestaurant> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("DineHub.Database.Seed.", StringComparison.Ordinal) && name.EndsWith(".json", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var stream = assembly.GetManifestResourceStream(name)!;
                return JsonSerializer.Deserialize(stream, SeedJson.Default.SeedRestaurant)!;
            })
            .ToList();
    }
}

/// <summary>One file of Seed/.</summary>
internal sealed record SeedRestaurant(
    string Slug,
    string Name,
    string Description,
    string Region,
    string City,
    string Address,
    double Latitude,
    double Longitude,
    string[] Cuisines,
    string Currency,
    int TaxRateBasisPoints,
    bool TaxIncluded,
    string TimeZone,
    string Phone,
    JsonElement OpeningHours,
    long MinimumOrder,
    int PreparationMinutes,
    bool Pickup,
    bool TableService,
    SeedDelivery? Delivery,
    JsonElement OtherTaxRates,
    SeedStock[] Stock,
    JsonElement Menu);

internal sealed record SeedDelivery(int RadiusMeters, long Fee);

internal sealed record SeedStock(string ItemId, int Quantity, int LowMark);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SeedRestaurant))]
internal sealed partial class SeedJson : JsonSerializerContext;
