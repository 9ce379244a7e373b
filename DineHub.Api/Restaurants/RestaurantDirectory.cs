using Npgsql;

namespace DineHub.Api.Restaurants;

/// <summary>Reads the directory: a table that every node has whole, so that it answers when a worker is lost.</summary>
/// <param name="dataSource">The database.</param>
internal sealed class RestaurantDirectory(NpgsqlDataSource dataSource)
{
    public const string Columns = """
        r.id, r.slug, r.name, r.description, r.region, r.city, r.address, r.latitude, r.longitude, r.cuisines,
        r.currency, r.tax_rate_basis_points, r.tax_included, r.time_zone
        """;

    public static readonly int ColumnCount = Columns.Split(',').Length;

    public async Task<Restaurant?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand($"SELECT {Columns} FROM restaurants r WHERE r.id = $1");
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? Read(reader) : null;
    }

    /// <summary>One page more than asked for tells whether there is a next one.</summary>
    public async Task<RestaurantPage> ListAsync(RestaurantCursor? after, int limit, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
            SELECT {Columns} FROM restaurants r
            WHERE $1::text IS NULL OR (r.name, r.id) > ($1, $2)
            ORDER BY r.name, r.id
            LIMIT $3
            """);
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = after?.Name });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after?.Id ?? Guid.Empty });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var items = new List<Restaurant>();
        while (await reader.ReadAsync(ct))
        {
            items.Add(Read(reader));
        }

        if (items.Count <= limit)
        {
            return new RestaurantPage(items, NextCursor: null);
        }

        items.RemoveAt(limit);
        return new RestaurantPage(items, new RestaurantCursor(items[^1].Name, items[^1].Id).ToString());
    }

    /// <summary>Reads <see cref="Columns"/> from the start of a row.</summary>
    public static Restaurant Read(NpgsqlDataReader row) => new(
        row.GetGuid(0),
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        row.GetString(4),
        row.GetString(5),
        row.GetString(6),
        row.GetDouble(7),
        row.GetDouble(8),
        row.GetFieldValue<string[]>(9),
        row.GetString(10),
        new Tax(row.GetInt32(11), row.GetBoolean(12)),
        row.GetString(13));
}
