using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Migrations;

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
    /// <param name="node">The migrator's connection to the node.</param>
    /// <param name="migration">The migration.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="shards">The other nodes that have parts of the tables; null where there are none.</param>
    public static async Task ApplyOnceAsync(NpgsqlConnection node, Migration migration, CancellationToken ct, ShardNodes? shards = null)
    {
        if ((await AppliedAsync(node, ct)).ContainsKey(migration.Number))
        {
            return;
        }

        var what = $"Migration {migration.Title}";
        if (migration.Index is { } index)
        {
            await LockTimeoutRetry.RetryAsync(node, what, new ConcurrentIndexBuild(node, index, shards).RunAsync, ct);
            await RecordAsync(node, migration, ct);
            return;
        }

        await LockTimeoutRetry.InTransactionAsync(
            node,
            what,
            async token =>
            {
                await node.ExecuteAsync(migration.Sql, token);
                await RecordAsync(node, migration, token);
            },
            ct);
    }
}
