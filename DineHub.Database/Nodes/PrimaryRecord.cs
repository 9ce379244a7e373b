using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>
/// One node's record of a group's primary. Every primary of the cluster keeps a record of every group, and its standby has it
/// by replication. A server reads the others' records before it starts or is promoted.
/// </summary>
/// <param name="Group">The group.</param>
/// <param name="Node">The name of the server that is its primary.</param>
/// <param name="Generation">Grows with each promotion, from 1; the highest one holds.</param>
/// <param name="InSync">Whether every acknowledged commit of the group is on its standby's disk, too.</param>
/// <param name="ChangedAt">When it was written, UTC.</param>
public sealed record PrimaryRecord(string Group, string Node, int Generation, bool InSync, DateTimeOffset ChangedAt)
{
    /// <summary>What several nodes' records of one group come to: the highest generation, in sync only if none of that generation denies it.</summary>
    /// <param name="records">Records of one group.</param>
    /// <returns>The record that holds; null where there is none.</returns>
    public static PrimaryRecord? Newest(IEnumerable<PrimaryRecord> records)
    {
        var generation = records.GroupBy(record => record.Generation).MaxBy(group => group.Key);
        return generation is null ? null : generation.MaxBy(record => record.ChangedAt)! with { InSync = generation.All(record => record.InSync) };
    }
}

/// <summary>The table <c>dinehub.primaries</c> of a node.</summary>
internal static class PrimaryRecords
{
    public const string CreateTable = """
        CREATE TABLE IF NOT EXISTS dinehub.primaries (
            group_name  text PRIMARY KEY,
            node        text NOT NULL,
            generation  integer NOT NULL CHECK (generation > 0),
            in_sync     boolean NOT NULL,
            changed_at  timestamptz NOT NULL)
        """;

    /// <summary>All records of a node; none where its database is not set up.</summary>
    public static async Task<List<PrimaryRecord>> ReadAsync(NpgsqlConnection node, CancellationToken ct) =>
        await node.ScalarAsync<bool>("SELECT to_regclass('dinehub.primaries') IS NOT NULL", ct)
            ? await node.ListAsync(
                "SELECT group_name, node, generation, in_sync, changed_at FROM dinehub.primaries",
                row => new PrimaryRecord(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetBoolean(3), row.GetFieldValue<DateTimeOffset>(4)),
                ct)
            : [];

    /// <summary>
    /// Writes a record, unless the node has one of a later generation. Does not wait for the node's own standby: that may be what has been lost,
    /// too.
    /// </summary>
    /// <returns>Whether the node has the record now.</returns>
    public static async Task<bool> WriteAsync(NpgsqlConnection node, PrimaryRecord record, CancellationToken ct)
    {
        await using var transaction = await node.BeginTransactionAsync(ct);
        await node.ExecuteAsync("SET LOCAL synchronous_commit = 'local'", ct);
        var written = await node.ExecuteAsync(
            """
            INSERT INTO dinehub.primaries AS known (group_name, node, generation, in_sync, changed_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (group_name) DO UPDATE
            SET node = excluded.node, generation = excluded.generation, in_sync = excluded.in_sync, changed_at = excluded.changed_at
            WHERE known.generation <= excluded.generation
            """, ct, record.Group, record.Node, record.Generation, record.InSync, record.ChangedAt);
        await transaction.CommitAsync(ct);
        return written == 1;
    }
}
