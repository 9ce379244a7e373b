using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>A restaurant as an operator names it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Slug">Its slug.</param>
internal sealed record RestaurantPlace(Guid Id, string Slug)
{
    /// <summary>Looks a restaurant up.</summary>
    /// <param name="coordinator">A connection to the coordinator.</param>
    /// <param name="name">Its slug or id.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">There is none.</exception>
    public static async Task<RestaurantPlace> FindAsync(NpgsqlConnection coordinator, string name, CancellationToken ct) =>
        (await coordinator.ListAsync(
            "SELECT id, slug FROM restaurants WHERE slug = $1 OR id = $2",
            row => new RestaurantPlace(row.GetGuid(0), row.GetString(1)),
            ct,
            name,
            Guid.TryParse(name, out var id) ? id : Guid.Empty)).FirstOrDefault()
        ?? throw new DatabaseSetupException($"There is no restaurant '{name}': name it by its slug or id, as GET /api/v1/restaurants has them.");

    /// <summary>The shard group that it lives in now.</summary>
    /// <param name="coordinator">A connection to the coordinator.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<ShardGroup> GroupAsync(NpgsqlConnection coordinator, CancellationToken ct)
    {
        var shard = await coordinator.ScalarAsync<long>("SELECT get_shard_id_for_distribution_column('orders', $1)", ct, Id);
        return (await ShardMap.ReadAsync(coordinator, ct)).Groups.First(group => group.Shard == shard);
    }
}
