using System.Globalization;
using DineHub.Api.Data;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Restaurants;

/// <summary>What to look for in the directory.</summary>
/// <param name="Text">What stands in the name, description, city or a cuisine, whatever the case; null for anything.</param>
/// <param name="Cuisine">A cuisine; null for any.</param>
/// <param name="Near">A point to measure from and order by; null orders by name.</param>
/// <param name="RadiusMeters">How far from the point, at most; null for any distance.</param>
/// <param name="OpenNow">Whether only those that are open.</param>
/// <param name="AcceptingOrders">Whether only those that take orders.</param>
internal sealed record RestaurantSearch(string? Text, string? Cuisine, GeoPoint? Near, int? RadiusMeters, bool OpenNow, bool AcceptingOrders)
{
    public bool Matches(Restaurant restaurant) =>
        (!OpenNow || restaurant.OpenNow is true) && (!AcceptingOrders || restaurant.AcceptingOrders is true);
}

/// <summary>
/// The directory: a table that every node has whole, so that it answers when a worker is lost. On Citus a write to it is a two-phase commit over all nodes.
/// Requests do not cancel it: a cancel between the phases leaves it prepared, with its row locked, until Citus recovers it.
/// </summary>
/// <param name="database">The database.</param>
internal sealed class RestaurantDirectory(ApiConnections database)
{
    public const string Columns = """
        r.id, r.slug, r.name, r.description, r.phone, r.region, r.city, r.address, r.latitude, r.longitude, r.cuisines,
        r.currency, r.tax_rate_basis_points, r.tax_included, r.other_tax_rates, r.time_zone, r.opening_hours, r.minimum_order,
        r.preparation_minutes, r.pickup, r.table_service, r.delivery_radius, r.delivery_fee, r.closed_at, r.paused_until, r.version
        """;

    public const int ColumnCount = 26;

    // Rows that are read to fill one page: opening hours are looked at here, after the database has done the rest.
    private const int Batch = 200;
    private const int MaxBatches = 10;

    public Task<Restaurant?> FindAsync(Guid id, CancellationToken ct) =>
        database.FirstAsync($"SELECT {Columns} FROM restaurants r WHERE r.id = $1", Read, ct, id);

    public Task<List<Guid>> ListIdsAsync(CancellationToken ct) => database.ListAsync("SELECT id FROM restaurants", row => row.GetGuid(0), ct);

    /// <summary>One page. It may be shorter than asked for although there is a next one, where few of very many are open.</summary>
    public async Task<RestaurantPage> SearchAsync(RestaurantSearch search, RestaurantCursor? after, int limit, DateTimeOffset now, CancellationToken ct)
    {
        var found = new List<Restaurant>();
        for (var batch = 0; batch < MaxBatches; batch++)
        {
            var rows = await ReadBatchAsync(search, after, ct);
            foreach (var row in rows)
            {
                var restaurant = row.At(now);
                if (search.Matches(restaurant))
                {
                    if (found.Count == limit)
                    {
                        return new RestaurantPage(found, After(found[^1]).ToString());
                    }

                    found.Add(restaurant);
                }

                after = After(row);
            }

            if (rows.Count < Batch)
            {
                return new RestaurantPage(found, NextCursor: null);
            }
        }

        return new RestaurantPage(found, after!.ToString());
    }

    /// <summary>Adds a restaurant; false where its slug is taken.</summary>
    public async Task<bool> TryCreateAsync(Restaurant restaurant, DateTimeOffset now) =>
        await database.ExecuteAsync(
            """
            INSERT INTO restaurants (id, slug, name, description, phone, region, city, address, latitude, longitude, cuisines,
                                     currency, tax_rate_basis_points, tax_included, other_tax_rates, time_zone, opening_hours, minimum_order,
                                     preparation_minutes, pickup, table_service, delivery_radius, delivery_fee, version, created_at, kitchen_version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, 1, $24, 1)
            ON CONFLICT DO NOTHING
            """,
            CancellationToken.None,
            restaurant.Id,
            restaurant.Slug,
            restaurant.Name,
            restaurant.Description,
            restaurant.Phone,
            restaurant.Region,
            restaurant.City,
            restaurant.Address,
            restaurant.Latitude,
            restaurant.Longitude,
            restaurant.Cuisines.ToArray(),
            restaurant.Currency,
            restaurant.Tax.RateBasisPoints,
            restaurant.Tax.Included,
            Sql.Json(restaurant.Tax.OtherRates ?? [], ApiJson.Default.IReadOnlyListTaxRate),
            restaurant.TimeZone,
            Sql.Json(restaurant.OpeningHours, ApiJson.Default.OpeningHours),
            restaurant.MinimumOrder,
            restaurant.PreparationMinutes,
            restaurant.Pickup,
            restaurant.TableService,
            restaurant.Delivery?.RadiusMeters,
            restaurant.Delivery?.Fee ?? 0,
            now) == 1;

    /// <summary>Stores a changed profile, at the version that it was changed from; null where the restaurant is at another by now.</summary>
    public Task<Restaurant?> TryUpdateAsync(Restaurant changed, int fromVersion) =>
        database.FirstAsync(
            $"""
            UPDATE restaurants r
            SET name = $3, description = $4, phone = $5, city = $6, address = $7, latitude = $8, longitude = $9, cuisines = $10,
                tax_rate_basis_points = $11, tax_included = $12, other_tax_rates = $13, time_zone = $14, opening_hours = $15,
                minimum_order = $16, preparation_minutes = $17, pickup = $18, table_service = $19, delivery_radius = $20, delivery_fee = $21,
                version = r.version + 1
            WHERE r.id = $1 AND r.version = $2
            RETURNING {Columns}
            """,
            Read,
            CancellationToken.None,
            changed.Id,
            fromVersion,
            changed.Name,
            changed.Description,
            changed.Phone,
            changed.City,
            changed.Address,
            changed.Latitude,
            changed.Longitude,
            changed.Cuisines.ToArray(),
            changed.Tax.RateBasisPoints,
            changed.Tax.Included,
            Sql.Json(changed.Tax.OtherRates ?? [], ApiJson.Default.IReadOnlyListTaxRate),
            changed.TimeZone,
            Sql.Json(changed.OpeningHours, ApiJson.Default.OpeningHours),
            changed.MinimumOrder,
            changed.PreparationMinutes,
            changed.Pickup,
            changed.TableService,
            changed.Delivery?.RadiusMeters,
            changed.Delivery?.Fee ?? 0);

    /// <summary>Closes a restaurant for good, or opens it again; null where there is none.</summary>
    public Task<Restaurant?> SetClosedAsync(Guid id, DateTimeOffset? closedAt) =>
        database.FirstAsync(
            $"UPDATE restaurants r SET closed_at = $2::timestamptz, version = r.version + 1 WHERE r.id = $1 RETURNING {Columns}", Read, CancellationToken.None, id, closedAt);

    /// <summary>Copies a kitchen's pause, unless the directory has a newer one.</summary>
    public Task CopyPauseAsync(Guid id, DateTimeOffset? pausedUntil, int kitchenVersion) =>
        database.ExecuteAsync(
            "UPDATE restaurants SET paused_until = $2::timestamptz, kitchen_version = $3 WHERE id = $1 AND kitchen_version < $3", CancellationToken.None, id, pausedUntil, kitchenVersion);

    /// <summary>Reads <see cref="Columns"/> from the start of a row.</summary>
    public static Restaurant Read(NpgsqlDataReader row) => new(
        row.GetGuid(0),
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        row.GetString(4),
        row.GetString(5),
        row.GetString(6),
        row.GetString(7),
        row.GetDouble(8),
        row.GetDouble(9),
        row.GetFieldValue<string[]>(10),
        row.GetString(11),
        new Tax(row.GetInt32(12), row.GetBoolean(13), row.GetJson(14, ApiJson.Default.IReadOnlyListTaxRate) is { Count: > 0 } others ? others : null),
        row.GetString(15),
        row.GetJson(16, ApiJson.Default.OpeningHours),
        row.GetInt64(17),
        row.GetInt32(18),
        row.GetBoolean(19),
        row.GetBoolean(20),
        row.IsDBNull(21) ? null : new DeliveryTerms(row.GetInt32(21), row.GetInt64(22)),
        row.GetNullable<DateTimeOffset>(23),
        row.GetNullable<DateTimeOffset>(24),
        row.GetInt32(25));

    private static RestaurantCursor After(Restaurant restaurant) => new(
        restaurant.DistanceMeters?.ToString("R", CultureInfo.InvariantCulture) ?? restaurant.Name, restaurant.Id);

    private Task<List<Restaurant>> ReadBatchAsync(RestaurantSearch search, RestaurantCursor? after, CancellationToken ct)
    {
        // The haversine formula, on a sphere of the earth's mean radius; in PostgreSQL's float8, so that a cursor compares exactly.
        var (distance, position, order) = search.Near is null
            ? ("NULL::float8", "$6::text IS NULL OR (r.name, r.id) > ($6::text, $7::uuid)", "r.name, r.id")
            : ("""
               2 * 6371008.8 * asin(least(1, sqrt(
                   power(sin(radians(r.latitude - $3::float8) / 2), 2)
                   + cos(radians(r.latitude)) * cos(radians($3::float8)) * power(sin(radians(r.longitude - $4::float8) / 2), 2))))
               """,
                "$6::text IS NULL OR (r.distance, r.id) > ($6::text::float8, $7::uuid)",
                "r.distance, r.id");
        return database.ListAsync(
            $"""
            SELECT {Columns}, r.distance
            FROM (SELECT r.*, {distance} AS distance FROM restaurants r WHERE r.closed_at IS NULL) r
            WHERE ($1::text IS NULL OR r.name ILIKE $1 OR r.description ILIKE $1 OR r.city ILIKE $1 OR array_to_string(r.cuisines, ' ') ILIKE $1)
              AND ($2::text IS NULL OR lower($2) = ANY (string_to_array(lower(array_to_string(r.cuisines, chr(31))), chr(31))))
              AND ($3::float8 IS NULL OR $4::float8 IS NULL OR $5::integer IS NULL OR r.distance <= $5)
              AND ({position})
            ORDER BY {order}
            LIMIT {Batch}
            """,
            row => Read(row) with { DistanceMeters = row.GetNullable<double>(ColumnCount) },
            ct,
            search.Text is null ? null : $"%{Escape(search.Text)}%",
            search.Cuisine,
            search.Near?.Latitude,
            search.Near?.Longitude,
            search.RadiusMeters,
            after?.Key,
            after?.Id ?? Guid.Empty);
    }

    private static string Escape(string text) =>
        text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}
