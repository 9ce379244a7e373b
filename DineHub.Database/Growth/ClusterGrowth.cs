using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Locality;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>
/// Adds and removes workers, and places shard groups, while orders flow. A shard group stays in the region of the worker that holds it, unless consent
/// is given. Each verb looks first at what there is, so one that was interrupted is run again. Needs Citus.
/// </summary>
/// <param name="options">The cluster, with the addresses of the topology.</param>
/// <param name="report">Is told of the steps, one line each.</param>
/// <param name="time">The clock.</param>
public sealed class ClusterGrowth(DatabaseOptions options, Action<string> report, TimeProvider time)
{
    /// <summary>Sets a worker of <see cref="DatabaseOptions.Workers"/> up, makes it part of the cluster, and moves shard groups of its region to it.</summary>
    /// <param name="name">The worker.</param>
    /// <param name="ct">Cancels it; what has moved stays moved.</param>
    /// <exception cref="DatabaseSetupException">It cannot be; the message has all reasons and what to do.</exception>
    /// <exception cref="NpgsqlException">A server stopped to answer.</exception>
    public async Task AddWorkerAsync(string name, CancellationToken ct)
    {
        var worker = WorkerOf(name) ?? throw new DatabaseSetupException($"Database:Nodes has no '{name}': append it there, and to Database:Workers of the topology.");
        await using var session = await GrowthSession.OpenAsync(options, ct);
        var map = await ShardMap.ReadAsync(session.Coordinator, ct);
        var plan = RebalancePlan.Of(Workers(map, worker.Region, name), map.Groups);
        await RefuseAsync(session, plan, ct, name);
        await session.BeginAsync(report, ct);
        await new Migrator(session.Cluster).MigrateAsync(ct);
        map = await ShardMap.ReadAsync(session.Coordinator, ct);
        if (!map.Nodes[name].TakesShards)
        {
            await SetTakesShardsAsync(session, map.Nodes[name], takes: true, ct);
        }

        await MoveAsync(session, RebalancePlan.Of(Workers(map, worker.Region, name), map.Groups), map, ct);
        var held = (await ShardMap.ReadAsync(session.Coordinator, ct)).Groups.Count(group => group.Worker == name);
        report(held > 0
            ? $"{name} is part of the cluster and holds {held} shard groups of {worker.Region}."
            : $"{name} is part of the cluster, but no shard group lives in {worker.Region}: move restaurants there with 'db move RESTAURANT --region {worker.Region}'.");
    }

    /// <summary>Moves all shard groups of a worker to the others of its region, and takes it out of the cluster.</summary>
    /// <param name="name">The worker.</param>
    /// <param name="toRegion">Consent to leave the region: where the groups go. The restaurants' region becomes that one. Null to stay.</param>
    /// <param name="ct">Cancels it; what has moved stays moved.</param>
    /// <exception cref="DatabaseSetupException">It cannot be; the message has all reasons and what to do.</exception>
    /// <exception cref="NpgsqlException">A server stopped to answer.</exception>
    public async Task RemoveWorkerAsync(string name, string? toRegion, CancellationToken ct)
    {
        await using var session = await GrowthSession.OpenAsync(options, ct);
        var map = await ShardMap.ReadAsync(session.Coordinator, ct);
        if (WorkerOf(name) is not { } worker)
        {
            throw new DatabaseSetupException(map.Nodes.ContainsKey(name)
                ? $"Database:Nodes has no '{name}', although it is part of the cluster: append it there for as long as this takes."
                : $"'{name}' is not a worker of the cluster.");
        }

        if (!map.Nodes.ContainsKey(name))
        {
            // Also what an earlier run did not get to.
            await CloseAsync(session, name, ct);
            report($"{name} is no part of the cluster: take it out of Database:Nodes and of the topology.");
            return;
        }

        var region = toRegion ?? worker.Region;
        RefuseToStrand(map, worker, region, toRegion is not null);
        await RefuseToForgetAsync(session, map, worker, toRegion is not null, ct);
        var plan = PlanRemoval(map, name, region);
        await RefuseAsync(session, plan, ct);
        await session.BeginAsync(report, ct);

        // Marked first: another verb gives it nothing, and an interrupted removal is seen.
        await SetTakesShardsAsync(session, map.Nodes[name], takes: false, ct);
        map = await ShardMap.ReadAsync(session.Coordinator, ct);
        await MoveAsync(session, PlanRemoval(map, name, region), map, ct);
        if (region != worker.Region)
        {
            await FollowAsync(session, worker.Region, region, ct);
        }

        await DetachAsync(session, name, map.Nodes[name], ct);
        report($"{name} holds no shards and is no part of the cluster: take it out of Database:Nodes and of the topology before the next 'db migrate', which would add it.");
    }

    /// <summary>Moves shard groups within each region until its workers hold the same number, give or take one.</summary>
    /// <param name="ct">Cancels it; what has moved stays moved.</param>
    /// <exception cref="DatabaseSetupException">It cannot be; the message has all reasons and what to do.</exception>
    /// <exception cref="NpgsqlException">A server stopped to answer.</exception>
    public async Task RebalanceAsync(CancellationToken ct)
    {
        await using var session = await GrowthSession.OpenAsync(options, ct);
        var map = await ShardMap.ReadAsync(session.Coordinator, ct);
        foreach (var leaving in map.Nodes.Where(node => !node.Value.TakesShards))
        {
            report($"{leaving.Key} is being removed and is left out: run 'db remove-worker {leaving.Key}' to finish, or 'db add-worker {leaving.Key}' to keep it.");
        }

        List<ShardWorker> Present(ShardMap now) => [.. options.Workers.Where(worker => now.Nodes.GetValueOrDefault(worker.Name)?.TakesShards == true).Select(worker => new ShardWorker(worker.Name, worker.Region))];
        await RefuseAsync(session, RebalancePlan.Of(Present(map), map.Groups), ct);
        await session.BeginAsync(report, ct);
        map = await ShardMap.ReadAsync(session.Coordinator, ct);
        var plan = RebalancePlan.Of(Present(map), map.Groups);
        await MoveAsync(session, plan, map, ct);
        report(plan.Count == 0 ? "The shard groups are balanced in each region: nothing to move." : $"The shard groups are balanced in each region: {plan.Count} were moved.");
    }

    /// <summary>Gives a restaurant a shard group of its own, on the worker where it is.</summary>
    /// <param name="restaurant">The restaurant's slug or id.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">It cannot be; the message has all reasons and what to do.</exception>
    /// <exception cref="NpgsqlException">A server stopped to answer.</exception>
    public async Task IsolateAsync(string restaurant, CancellationToken ct)
    {
        await using var session = await GrowthSession.OpenAsync(options, ct);
        var found = await RestaurantPlace.FindAsync(session.Coordinator, restaurant, ct);
        var group = await found.GroupAsync(session.Coordinator, ct);
        if (group.IsIsolated)
        {
            report($"{found.Slug} has a shard group of its own already: shard {group.Shard} on {group.Worker}.");
            return;
        }

        await RefuseAsync(session, [], ct, group.Worker);
        await session.BeginAsync(report, ct);
        group = await IsolatedAsync(session, found, ct);
        report($"{found.Slug} has a shard group of its own: shard {group.Shard} on {group.Worker}.");
    }

    /// <summary>
    /// Moves a restaurant to another region: gives it a shard group of its own, moves that to the worker of the region that holds the fewest bytes, then
    /// changes the directory.
    /// </summary>
    /// <param name="restaurant">The restaurant's slug or id.</param>
    /// <param name="region">The region.</param>
    /// <param name="ct">Cancels it. Run again, it goes on with the step that was cancelled.</param>
    /// <exception cref="DatabaseSetupException">It cannot be; the message has all reasons and what to do.</exception>
    /// <exception cref="NpgsqlException">A server stopped to answer.</exception>
    public async Task MoveAsync(string restaurant, string region, CancellationToken ct)
    {
        await using var session = await GrowthSession.OpenAsync(options, ct);
        var found = await RestaurantPlace.FindAsync(session.Coordinator, restaurant, ct);
        var map = await ShardMap.ReadAsync(session.Coordinator, ct);
        var takers = Takers(map, region);
        RefuseUnknownRegion(map, region, takers);
        var group = await found.GroupAsync(session.Coordinator, ct);
        if (WorkerOf(group.Worker)?.Region == region)
        {
            await TellDirectoryAsync(session, found, region, group.Worker, ct);
            return;
        }

        var target = takers.MinBy((await BytesAsync(session.Coordinator, ct)).GetValueOrDefault)!;
        await RefuseAsync(session, [new ShardMove(group, target)], ct);
        await session.BeginAsync(report, ct);
        group = await IsolatedAsync(session, found, ct);
        await MoveAsync(session, group.Worker == target ? [] : [new ShardMove(group, target)], map, ct);
        await TellDirectoryAsync(session, found, region, target, ct);
    }

    private DatabaseNode? WorkerOf(string name) => options.Workers.FirstOrDefault(worker => worker.Name == name);

    private async Task RefuseAsync(GrowthSession session, IReadOnlyList<ShardMove> plan, CancellationToken ct, params IEnumerable<string> others)
    {
        var involved = plan.SelectMany(move => new[] { move.Group.Worker, move.To }).Concat(others).ToHashSet();
        await GrowthChecks.RefuseAsync(options, session.View, session.Cluster.Connections, involved, ct);
    }

    private async Task MoveAsync(GrowthSession session, IReadOnlyList<ShardMove> moves, ShardMap map, CancellationToken ct)
    {
        if (moves.Count == 0)
        {
            return;
        }

        await session.Coordinator.ExecuteAsync("SELECT replicate_reference_tables('auto')", ct);
        await new ShardTransfer(session, report, time).MoveAsync(moves, map.Nodes, ct);
        await session.CleanUpAsync(report, ct);
    }

    private async Task<ShardGroup> IsolatedAsync(GrowthSession session, RestaurantPlace found, CancellationToken ct)
    {
        var group = await found.GroupAsync(session.Coordinator, ct);
        if (!group.IsIsolated)
        {
            await session.Coordinator.ExecuteAsync("SELECT replicate_reference_tables('auto')", ct);
            await new ShardTransfer(session, report, time).IsolateAsync(found.Id, found.Slug, session.Cluster.Options.Workers.First(worker => worker.Name == group.Worker), ct);
            await session.CleanUpAsync(report, ct);
        }

        return await found.GroupAsync(session.Coordinator, ct);
    }

    // The workers of a region that the cluster knows, and the one that is to be added.
    private List<ShardWorker> Workers(ShardMap map, string region, string added) =>
        [.. options.Workers
            .Where(worker => worker.Region == region && (worker.Name == added || map.Nodes.GetValueOrDefault(worker.Name)?.TakesShards == true))
            .Select(worker => new ShardWorker(worker.Name, region))];

    private List<string> Takers(ShardMap map, string region) =>
        [.. options.Workers.Where(worker => worker.Region == region && map.Nodes.GetValueOrDefault(worker.Name)?.TakesShards == true).Select(worker => worker.Name)];

    private List<ShardMove> PlanRemoval(ShardMap map, string name, string region) =>
        [.. RebalancePlan.Of(
            [.. Takers(map, region).Where(taker => taker != name).Select(taker => new ShardWorker(taker, region)), new ShardWorker(name, region, TakesShards: false)],
            map.Groups)];

    private void RefuseToStrand(ShardMap map, DatabaseNode worker, string region, bool consent)
    {
        var held = map.Groups.Count(group => group.Worker == worker.Name);
        var takers = Takers(map, region);
        if (held == 0 || takers.Exists(taker => taker != worker.Name))
        {
            return;
        }

        if (consent)
        {
            RefuseUnknownRegion(map, region, [.. takers.Where(taker => taker != worker.Name)]);
        }

        var others = options.Workers.Where(other => other.Region != worker.Region && map.Nodes.GetValueOrDefault(other.Name)?.TakesShards == true).Select(other => other.Region).Distinct().ToList();
        throw new DatabaseSetupException(
            $"{worker.Name} is the last worker of {worker.Region}, and its {held} shard groups would leave the region. Add another worker there first ('db add-worker')"
            + (others.Count == 0 ? "." : $", or consent to where they go: --to-region {string.Join(" or ", others)}."));
    }

    // An earlier run with --to-region moved the shards and did not get to the directory.
    private async Task RefuseToForgetAsync(GrowthSession session, ShardMap map, DatabaseNode worker, bool consent, CancellationToken ct)
    {
        if (consent || Takers(map, worker.Region).Exists(taker => taker != worker.Name) || map.Groups.Any(group => group.Worker == worker.Name))
        {
            return;
        }

        var restaurants = await session.Coordinator.ScalarAsync<long>("SELECT count(*) FROM restaurants WHERE region = $1", ct, worker.Region);
        if (restaurants > 0)
        {
            throw new DatabaseSetupException(
                $"{worker.Name} is the last worker of {worker.Region} and holds no shards any more, but {restaurants} restaurants are listed in the region. "
                + "Say where they live now: --to-region REGION, as in the run that moved them.");
        }
    }

    private void RefuseUnknownRegion(ShardMap map, string region, List<string> takers)
    {
        if (takers.Count == 0)
        {
            var regions = options.Workers.Where(worker => map.Nodes.GetValueOrDefault(worker.Name)?.TakesShards == true).Select(worker => worker.Region).Distinct();
            throw new DatabaseSetupException($"No worker that takes shards stands in the region '{region}'; the regions that have one: {string.Join(", ", regions)}.");
        }
    }

    private static Task<int> SetTakesShardsAsync(GrowthSession session, ShardNode node, bool takes, CancellationToken ct) =>
        session.Coordinator.ExecuteAsync("SELECT citus_set_node_property($1, $2, 'shouldhaveshards', $3)", ct, node.Host, node.Port, takes);

    private async Task DetachAsync(GrowthSession session, string name, ShardNode node, CancellationToken ct)
    {
        // Together, so that a name without a node is never left: the worker may be added again.
        await using (var transaction = await session.Coordinator.BeginTransactionAsync(ct))
        {
            await session.Coordinator.ExecuteAsync("DELETE FROM dinehub.nodes WHERE name = $1", ct, name);
            await session.Coordinator.ExecuteAsync("SELECT citus_remove_node($1, $2)", ct, node.Host, node.Port);
            await transaction.CommitAsync(ct);
        }

        await CloseAsync(session, name, ct);
    }

    // Afterwards: while it was a node, other nodes' writes of reference tables came to it by the same role.
    private async Task CloseAsync(GrowthSession session, string name, CancellationToken ct)
    {
        var left = (await ShardMap.ReadAsync(session.Coordinator, ct)).Nodes.ToDictionary(known => known.Key, known => known.Value.Id);
        await WorkerDirectory.UpdateAsync(session.Coordinator, [.. options.Workers.Where(worker => worker.Name != name)], left, ct);
        try
        {
            await using var worker = await session.Cluster.Connections.OpenAsync(session.Cluster.Options.Workers.First(one => one.Name == name), DatabaseOptions.DatabaseName, ct);
            await WorkerEntry.CloseAsync(worker, ct);
        }
        catch (NpgsqlException e)
        {
            report($"{name} could not be closed to the API ({e.Message.ReplaceLineEndings(" ")}): stop its server before backends reach it again.");
        }
    }

    // Those that live in the new region now, also after an earlier run that was interrupted.
    private async Task FollowAsync(GrowthSession session, string from, string to, CancellationToken ct)
    {
        var restaurants = await session.Coordinator.ListAsync("SELECT id FROM restaurants WHERE region = $1", row => row.GetGuid(0), ct, from);
        var engine = await session.Cluster.EngineAsync(session.Coordinator, ct);
        var there = (await engine.LocateAsync(session.Coordinator, restaurants, ct)).Where(place => WorkerOf(place.Value)?.Region == to).Select(place => place.Key).ToArray();
        var changed = await session.Coordinator.ExecuteAsync(
            "UPDATE restaurants SET region = $2, version = version + 1 WHERE id = ANY ($1) AND region <> $2", ct, there, to);
        report($"{changed} restaurants of {from} are in {to} now, also in the directory.");
    }

    private async Task TellDirectoryAsync(GrowthSession session, RestaurantPlace found, string region, string worker, CancellationToken ct)
    {
        var changed = await session.Coordinator.ExecuteAsync(
            "UPDATE restaurants SET region = $2, version = version + 1 WHERE id = $1 AND region <> $2", ct, found.Id, region);
        report(changed == 0 ? $"{found.Slug} is in {region} already, on {worker}." : $"{found.Slug} is in {region} now, on {worker}, also in the directory.");
    }

    private static async Task<Dictionary<string, long>> BytesAsync(NpgsqlConnection coordinator, CancellationToken ct) =>
        (await coordinator.ListAsync(
            """
            SELECT known.name, sum(sizes.size)::bigint
            FROM citus_shard_sizes() AS sizes
            JOIN pg_dist_placement AS placement ON placement.shardid = sizes.shard_id
            JOIN pg_dist_node AS node ON node.groupid = placement.groupid AND node.noderole = 'primary'
            JOIN dinehub.nodes AS known ON known.node_id = node.nodeid
            GROUP BY 1
            """, row => (Name: row.GetString(0), Bytes: row.GetInt64(1)), ct)).ToDictionary(node => node.Name, node => node.Bytes);
}
