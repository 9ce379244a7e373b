using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database;

/// <summary>Each node's own record of the migrations that were run on it, so that a run that stopped half-way goes on where it was.</summary>
internal static class MigrationLog
{
    public const string CreateTable = """
        CREATE TABLE IF NOT EXISTS dinehub.migrations (
            number      integer PRIMARY KEY,
            name        text NOT NULL,
            checksum    text NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT now())
        """;

    /// <summary>The checksums of the migrations that were applied, by number.</summary>
    public static async Task<Dictionary<int, string>> AppliedAsync(NpgsqlConnection node, CancellationToken ct) =>
        (await node.ListAsync("SELECT number, checksum FROM dinehub.migrations", row => (row.GetInt32(0), row.GetString(1)), ct))
            .ToDictionary(row => row.Item1, row => row.Item2);

    public static Task RecordAsync(NpgsqlConnection node, Migration migration, CancellationToken ct) =>
        node.ExecuteAsync(
            "INSERT INTO dinehub.migrations (number, name, checksum) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            ct, migration.Number, migration.Name, migration.Checksum);

    /// <summary>Runs a migration and records it, unless the node has it.</summary>
    public static async Task ApplyOnceAsync(NpgsqlConnection node, Migration migration, CancellationToken ct)
    {
        if ((await AppliedAsync(node, ct)).ContainsKey(migration.Number))
        {
            return;
        }

        var what = $"Migration {migration.Title}";
        if (migration.Index is { } index)
        {
            await BriefLocks.RetryAsync(node, what, token => ApplyAsync(node, index, token), ct);
            await RecordAsync(node, migration, ct);
            return;
        }

        await BriefLocks.InTransactionAsync(
            node,
            what,
            async token =>
            {
                await node.ExecuteAsync(migration.Sql, token);
                await RecordAsync(node, migration, token);
            },
            ct);
    }

    // It waits for transactions that are older, and nobody waits for it: so it may wait, and build, for longer than all else.
    private static async Task ApplyAsync(NpgsqlConnection node, ConcurrentIndex index, CancellationToken ct)
    {
        await node.ExecuteAsync("SET lock_timeout = '1min'", ct);
        if (index.IsMade && await node.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid)", ct, index.Name))
        {
            // What an interrupted run leaves: kept up to date by every write, used by no statement, and there for IF NOT EXISTS.
            await RunUnboundedAsync(node, $"DROP INDEX CONCURRENTLY IF EXISTS {index.Name}", ct);
        }

        await RunUnboundedAsync(node, index.Statement, ct);
        await node.ExecuteAsync("RESET lock_timeout", ct);
    }

    private static async Task RunUnboundedAsync(NpgsqlConnection node, string statement, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(statement, node) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }
}
