using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database;

/// <summary>One node in <c>db status</c>.</summary>
/// <param name="Node">The node.</param>
/// <param name="Role">Coordinator or Worker.</param>
/// <param name="Version">The server's version; null where it does not answer.</param>
/// <param name="SizeBytes">The size of the node's DineHub database in bytes; null where it does not answer.</param>
/// <param name="Problem">Why it does not answer, in one line.</param>
public sealed record NodeStatus(DatabaseNode Node, string Role, string? Version, long? SizeBytes, string? Problem);

/// <summary>What <c>db status</c> shows.</summary>
/// <param name="Engine">The engine that keeps the data.</param>
/// <param name="Version">The number of the newest migration that was applied.</param>
/// <param name="Nodes">The coordinator and the workers.</param>
/// <param name="Tables">How the distributed tables are spread.</param>
/// <param name="Restaurants">How many restaurants there are.</param>
/// <param name="LocalRestaurants">How many of them live on a worker in their own region.</param>
public sealed record DatabaseStatus(
    EngineChoice Engine, int Version, IReadOnlyList<NodeStatus> Nodes, IReadOnlyList<TableOnNode> Tables, int Restaurants, int LocalRestaurants)
{
    /// <summary>Asks every node; those that do not answer are part of the result. The coordinator must answer.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="NpgsqlException">The coordinator does not answer.</exception>
    public static async Task<DatabaseStatus> ReadAsync(DatabaseCluster cluster, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        var nodes = await Task.WhenAll(cluster.Options.Workers.Prepend(cluster.Options.Coordinator).Select(node => ProbeAsync(cluster, node, ct)));
        var reachable = nodes.Where(node => node.Problem is null).Select(node => node.Node.Name).ToHashSet();
        var restaurants = await coordinator.ListAsync(
            "SELECT id, region FROM restaurants", row => (Id: row.GetGuid(0), Region: row.GetString(1)), ct);
        var located = await engine.LocateAsync(coordinator, [.. restaurants.Select(restaurant => restaurant.Id)], ct);
        var regions = cluster.Options.Workers.ToDictionary(worker => worker.Name, worker => worker.Region);
        return new DatabaseStatus(
            engine.Kind,
            await coordinator.ScalarAsync<int>("SELECT coalesce(max(number), 0) FROM dinehub.migrations", ct),
            nodes,
            await engine.SpreadAsync(coordinator, reachable, ct),
            restaurants.Count,
            restaurants.Count(restaurant => located.TryGetValue(restaurant.Id, out var node) && regions.GetValueOrDefault(node) == restaurant.Region));
    }

    private static async Task<NodeStatus> ProbeAsync(DatabaseCluster cluster, DatabaseNode node, CancellationToken ct)
    {
        var role = node == cluster.Options.Coordinator ? "Coordinator" : "Worker";
        try
        {
            await using var connection = await cluster.Connections.OpenAsync(node, DatabaseOptions.DatabaseName, ct);
            var version = await connection.ScalarAsync<string>("SHOW server_version", ct);
            return new NodeStatus(node, role, version, await connection.ScalarAsync<long>("SELECT pg_database_size(current_database())", ct), Problem: null);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return new NodeStatus(node, role, Version: null, SizeBytes: null, e.Message.ReplaceLineEndings(" "));
        }
    }
}
