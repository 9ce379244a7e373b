using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>What stands in the way of moving shards, looked at before anything is changed.</summary>
internal static class GrowthChecks
{
    /// <summary>Looks at all servers.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="view">What its servers answered.</param>
    /// <param name="connections">The superuser's connections.</param>
    /// <param name="involved">The groups that give or take shards.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="DatabaseSetupException">Something does; the message has every reason.</exception>
    public static async Task RefuseAsync(DatabaseOptions options, ClusterView view, NodeConnections connections, IReadOnlySet<string> involved, CancellationToken ct)
    {
        var reasons = (await Task.WhenAll(view.Groups.Select(group => ReasonsAsync(options, group, connections, involved.Contains(group.Group.Name), ct)))).SelectMany(group => group).ToList();
        if (reasons.Count > 0)
        {
            throw new DatabaseSetupException("Nothing was changed:" + Environment.NewLine + string.Join(Environment.NewLine, reasons.Select(reason => "  " + reason)));
        }
    }

    private static async Task<IReadOnlyList<string>> ReasonsAsync(DatabaseOptions options, GroupView group, NodeConnections connections, bool involved, CancellationToken ct)
    {
        var primary = group.Primary;
        if (primary.State != ServerState.Primary)
        {
            // Citus writes where shards live on every node.
            return [$"{group.Group.Name}: no primary answers ({primary.Node.Name}: {primary.Problem ?? $"is a {primary.State}"}). Start it, or 'db promote {group.Group.Name}'."];
        }

        if (!involved)
        {
            return [];
        }

        try
        {
            // A new server has no database of ours yet.
            await using var connection = await connections.OpenAsync(primary.Node, "postgres", ct);
            return [.. await WalAsync(connection, primary.Node.Name, ct), .. await StandbyAsync(options, group, connection, ct)];
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return [$"{primary.Node.Name}: {e.Message.ReplaceLineEndings(" ")}"];
        }
    }

    private static async Task<IReadOnlyList<string>> WalAsync(NpgsqlConnection primary, string name, CancellationToken ct) =>
        await primary.ScalarAsync<string>("SHOW wal_level", ct) is var level && level == "logical"
            ? []
            : [$"{name}: wal_level is {level}, and shards move by logical replication. Set wal_level = logical in its postgresql.conf and restart it."];

    private static async Task<IReadOnlyList<string>> StandbyAsync(DatabaseOptions options, GroupView group, NpgsqlConnection primary, CancellationToken ct)
    {
        if (group.Standby is not { } standby)
        {
            return options.Durability == Durability.Standby
                ? [$"{group.Group.Name}: has no standby, but Database:Durability is Standby. Append one to Database:Standbys and start it."]
                : [];
        }

        return (await ReplicationLag.ReadAsync(primary, standby.Node.Name, ct)).IsStreaming
            ? []
            : [$"{group.Group.Name}: its standby {standby.Node.Name} does not stream from {group.Primary.Node.Name}. Start it, and wait until 'db status' shows that it streams."];
    }
}
