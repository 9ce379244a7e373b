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

    /// <summary>Runs a migration and its record in one transaction, unless the node has it.</summary>
    public static async Task ApplyOnceAsync(NpgsqlConnection node, Migration migration, CancellationToken ct)
    {
        if ((await AppliedAsync(node, ct)).ContainsKey(migration.Number))
        {
            return;
        }

        await using var transaction = await node.BeginTransactionAsync(ct);
        await node.ExecuteAsync("SET LOCAL lock_timeout = '10s'", ct);
        await node.ExecuteAsync(migration.Sql, ct);
        await RecordAsync(node, migration, ct);
        await transaction.CommitAsync(ct);
    }
}
