using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using Npgsql;

namespace DineHub.Database.Cluster;

/// <summary>One node in <c>db status</c>.</summary>
/// <param name="Node">The node.</param>
/// <param name="Group">The group that it belongs to.</param>
/// <param name="State">What it is now.</param>
/// <param name="Version">The server's version; null where it does not answer.</param>
/// <param name="SizeBytes">The size of the node's DineHub database in bytes; null where it does not answer.</param>
/// <param name="Problem">Why it does not answer, in one line.</param>
public sealed record NodeStatus(DatabaseNode Node, string Group, ServerState State, string? Version, long? SizeBytes, string? Problem);

/// <summary>A group's replication in <c>db status</c>.</summary>
/// <param name="Group">The group.</param>
/// <param name="Primary">The name of its primary, or of the one that last was.</param>
/// <param name="Generation">Grows with each promotion, from 1; null where no server that answers has a record.</param>
/// <param name="InSync">Whether every acknowledged commit is on both disks.</param>
/// <param name="Standby">The name of its standby; null where it has none.</param>
/// <param name="Lag">How far the standby is behind; null where no primary tells.</param>
public sealed record ReplicationStatus(string Group, string Primary, int? Generation, bool InSync, string? Standby, ReplicationLag? Lag);

/// <summary>What <c>db status</c> shows.</summary>
/// <param name="Engine">The engine that keeps the data.</param>
/// <param name="Version">The number of the newest migration that was applied.</param>
/// <param name="Durability">When a commit is to be acknowledged.</param>
/// <param name="Nodes">The servers: the coordinator's group first, then the workers'.</param>
/// <param name="Replication">The groups that have a standby.</param>
/// <param name="Tables">How the distributed tables are spread.</param>
/// <param name="Restaurants">How many restaurants there are.</param>
/// <param name="LocalRestaurants">How many of them live on a worker in their own region.</param>
public sealed record DatabaseStatus(
    EngineChoice Engine,
    int Version,
    Durability Durability,
    IReadOnlyList<NodeStatus> Nodes,
    IReadOnlyList<ReplicationStatus> Replication,
    IReadOnlyList<TableOnNode> Tables,
    int Restaurants,
    int LocalRestaurants)
{
    /// <summary>Asks every node; those that do not answer are part of the result. The coordinator must answer.</summary>
    /// <param name="options">The cluster, with the addresses of the topology.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="NpgsqlException">The coordinator does not answer.</exception>
    public static async Task<DatabaseStatus> ReadAsync(DatabaseOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        var connections = NodeConnections.AsAdministrator(options);
        var view = await ClusterView.ReadAsync(options, connections, ct);
        var cluster = new DatabaseCluster(view.Resolve(options));
        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        var reachable = view.Groups.Where(group => group.Primary.State == ServerState.Primary).Select(group => group.Group.Name).ToHashSet();
        var restaurants = await coordinator.ListAsync(
            "SELECT id, region FROM restaurants", row => (Id: row.GetGuid(0), Region: row.GetString(1)), ct);
        var located = await engine.LocateAsync(coordinator, [.. restaurants.Select(restaurant => restaurant.Id)], ct);
        var regions = options.Workers.ToDictionary(worker => worker.Name, worker => worker.Region);
        return new DatabaseStatus(
            engine.Kind,
            await coordinator.ScalarAsync<int>("SELECT coalesce(max(number), 0) FROM dinehub.migrations", ct),
            options.Durability,
            await Task.WhenAll(view.Groups.SelectMany(group => group.Members.Select(member => NodeAsync(connections, group.Group.Name, member, ct)))),
            await Task.WhenAll(view.Groups.Where(group => group.Group.Standby is not null).Select(group => ReplicationAsync(connections, group, ct))),
            await engine.SpreadAsync(coordinator, reachable, ct),
            restaurants.Count,
            restaurants.Count(restaurant => located.TryGetValue(restaurant.Id, out var node) && regions.GetValueOrDefault(node) == restaurant.Region));
    }

    private static async Task<NodeStatus> NodeAsync(NodeConnections connections, string group, NodeProbe probe, CancellationToken ct)
    {
        long? size = null;
        if (probe.Answers)
        {
            try
            {
                await using var connection = await connections.OpenAsync(probe.Node, DatabaseOptions.DatabaseName, ct);
                size = await connection.ScalarAsync<long>("SELECT pg_database_size(current_database())", ct);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                // It has gone since it was asked: shown without its size.
            }
        }

        return new NodeStatus(probe.Node, group, probe.State, probe.Version, size, probe.Problem);
    }

    private static async Task<ReplicationStatus> ReplicationAsync(NodeConnections connections, GroupView group, CancellationToken ct)
    {
        var standby = group.Standby!.Node.Name;
        ReplicationLag? lag = null;
        if (group.Primary.State == ServerState.Primary)
        {
            await using var primary = await connections.OpenAsync(group.Primary.Node, DatabaseOptions.DatabaseName, ct);
            lag = await ReplicationLag.ReadAsync(primary, standby, ct);
        }

        return new ReplicationStatus(
            group.Group.Name, group.Primary.Node.Name, group.Record?.Generation, group.Record?.InSync == true && lag is null or { IsSynchronous: true }, standby, lag);
    }
}
