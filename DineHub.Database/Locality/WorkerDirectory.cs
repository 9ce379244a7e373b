using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Locality;

/// <summary>Keeps the table <c>workers</c> as the topology is.</summary>
internal static class WorkerDirectory
{
    /// <summary>Writes what differs, and nothing where nothing does: on Citus a write needs all nodes.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="workers">The workers, in the order of the topology.</param>
    /// <param name="nodeIds">Their ids in pg_dist_node, by name; none on stock PostgreSQL.</param>
    /// <param name="ct">Cancels the work.</param>
    public static async Task UpdateAsync(
        NpgsqlConnection coordinator, IReadOnlyList<DatabaseNode> workers, IReadOnlyDictionary<string, int> nodeIds, CancellationToken ct)
    {
        var wanted = workers
            .Select((worker, position) => new Worker(worker.Name, worker.Region, position, nodeIds.TryGetValue(worker.Name, out var id) ? id : null))
            .ToHashSet();
        var current = (await RestaurantIds.WorkersAsync(coordinator, ct)).ToHashSet();
        if (current.SetEquals(wanted))
        {
            return;
        }

        // Away with the old first: workers may have changed places.
        await using var transaction = await coordinator.BeginTransactionAsync(ct);
        string[] old = [.. current.Except(wanted).Select(row => row.Name)];
        await coordinator.ExecuteAsync("DELETE FROM workers WHERE name = ANY ($1)", ct, (object)old);
        foreach (var row in wanted.Except(current))
        {
            await coordinator.ExecuteAsync(
                "INSERT INTO workers (name, region, position, node_id) VALUES ($1, $2, $3, $4::integer)",
                ct, row.Name, row.Region, row.Position, (object?)row.NodeId ?? DBNull.Value);
        }

        await transaction.CommitAsync(ct);
    }
}
