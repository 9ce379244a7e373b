using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Migrations;

/// <summary>Where the parts of a distributed table are, beside the node that its statements are sent to: the workers of Citus.</summary>
/// <param name="Connections">Opens the migrator's connections.</param>
/// <param name="Nodes">The workers.</param>
internal sealed record ShardNodes(NodeConnections Connections, IReadOnlyList<DatabaseNode> Nodes);

/// <summary>
/// Makes or drops one index beside the running statements. An interrupted CREATE INDEX CONCURRENTLY leaves an index that is kept up to date by every
/// write, used by no statement, and there for IF NOT EXISTS: on Citus for each shard, and on the workers also where the coordinator has none.
/// </summary>
/// <param name="node">The migrator's connection to the node that the statement is sent to.</param>
/// <param name="index">The index.</param>
/// <param name="shards">The other nodes that have parts of the table; null where there are none.</param>
internal sealed class ConcurrentIndexBuild(NpgsqlConnection node, ConcurrentIndex index, ShardNodes? shards)
{
    private const string OfTheTable = """
        SELECT class.relname::text, index.indisvalid FROM pg_index AS index JOIN pg_class AS class ON class.oid = index.indexrelid
        WHERE class.relnamespace = 'public'::regnamespace AND class.relname = $1
        """;

    private const string OfTheShards = OfTheTable + " OR class.relnamespace = 'public'::regnamespace AND class.relname IN (SELECT $1 || '_' || shardid FROM pg_dist_shard)";

    /// <summary>Makes or drops it, and removes what an interrupted run left.</summary>
    /// <param name="ct">Cancels it; the next run goes on.</param>
    /// <exception cref="DatabaseSetupException">A part of the index is not valid.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        // It waits for transactions that are older, and no statement waits for it: so it may wait, and build, for longer than all else. On
        // Citus the workers' sessions have the same from their role.
        await node.ExecuteAsync("SET lock_timeout = '1min'", ct);
        if (!index.IsMade)
        {
            await DropAsync(ct);
        }
        else
        {
            if (await IsInterruptedAsync(ct))
            {
                await DropAsync(ct);
            }

            await RunUnboundedAsync(node, index.Statement, ct);
            await RefuseInvalidAsync(ct);
        }

        await node.ExecuteAsync("RESET lock_timeout", ct);
    }

    private async Task<bool> IsInterruptedAsync(CancellationToken ct)
    {
        var here = await PartsAsync(node, ct);
        var parts = here.Concat(await ElsewhereAsync(ct)).ToList();
        return parts.Exists(part => !part.IsValid) || (parts.Count > 0 && !here.Exists(part => part.Name == index.Name));
    }

    private async Task DropAsync(CancellationToken ct)
    {
        await RunUnboundedAsync(node, $"DROP INDEX CONCURRENTLY IF EXISTS {index.Name}", ct);
        if (shards is null)
        {
            return;
        }

        // What the coordinator did not know of, and so has not dropped.
        await RemovePartsAsync(node, ct);
        foreach (var other in shards.Nodes)
        {
            await using var connection = await OpenAsync(other, ct);
            await RemovePartsAsync(connection, ct);
        }
    }

    private async Task RemovePartsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var parts = await PartsAsync(connection, ct);
        if (parts.Count == 0)
        {
            return;
        }

        await connection.ExecuteAsync("SET citus.enable_ddl_propagation = off", ct);
        foreach (var part in parts)
        {
            await RunUnboundedAsync(connection, $"DROP INDEX CONCURRENTLY IF EXISTS public.{part.Name}", ct);
        }

        await connection.ExecuteAsync("RESET citus.enable_ddl_propagation", ct);
    }

    private async Task RefuseInvalidAsync(CancellationToken ct)
    {
        var invalid = (await PartsAsync(node, ct)).Concat(await ElsewhereAsync(ct)).Where(part => !part.IsValid).Select(part => $"{part.Name} on {part.Node}").ToList();
        if (invalid.Count > 0)
        {
            throw new DatabaseSetupException(
                $"The index {index.Name} was made, but is not valid: {string.Join(", ", invalid)}. Run 'db migrate' again: it makes the index from the start.");
        }
    }

    private async Task<List<(string Name, bool IsValid, string Node)>> ElsewhereAsync(CancellationToken ct)
    {
        var parts = new List<(string Name, bool IsValid, string Node)>();
        foreach (var other in shards?.Nodes ?? [])
        {
            await using var connection = await OpenAsync(other, ct);
            parts.AddRange(await PartsAsync(connection, ct));
        }

        return parts;
    }

    private Task<NpgsqlConnection> OpenAsync(DatabaseNode other, CancellationToken ct) =>
        shards!.Connections.OpenAsync(other, DatabaseOptions.DatabaseName, ct);

    private async Task<List<(string Name, bool IsValid, string Node)>> PartsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        Task<List<(string, bool, string)>> ListAsync(string sql, CancellationToken token) =>
            connection.ListAsync(sql, row => (row.GetString(0), row.GetBoolean(1), $"{connection.Host}:{connection.Port}"), token, index.Name);

        if (shards is null)
        {
            return await ListAsync(OfTheTable, ct);
        }

        // Citus hides shards from pg_class, and the rest of a run relies on it.
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.ExecuteAsync("SET LOCAL citus.override_table_visibility = off", ct);
        var parts = await ListAsync(OfTheShards, ct);
        await transaction.CommitAsync(ct);
        return parts;
    }

    private static async Task RunUnboundedAsync(NpgsqlConnection connection, string statement, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }
}
