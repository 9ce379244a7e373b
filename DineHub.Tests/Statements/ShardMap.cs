using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Tests.Cluster;
using Npgsql;

namespace DineHub.Tests.Statements;

/// <summary>A shard of Citus.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Column">The column that the table is distributed by; null for a reference table.</param>
/// <param name="From">Where its range of hashes begins, which is the same for the shards that lie together; null for a reference table.</param>
internal sealed record Shard(string Table, string? Column, string? From);

/// <summary>The shards by the numbers that stand behind the tables' names in the commands between nodes.</summary>
internal sealed partial class ShardMap
{
    private readonly Dictionary<long, Shard> shards;

    private ShardMap(Dictionary<long, Shard> shards) => this.shards = shards;

    /// <summary>The tables of Citus.</summary>
    public IReadOnlySet<string> Tables => shards.Values.Select(shard => shard.Table).ToHashSet();

    /// <summary>Reads the catalog of the coordinator.</summary>
    /// <param name="fixture">The cluster.</param>
    public static async Task<ShardMap> ReadAsync(ClusterFixture fixture)
    {
        await using var coordinator = await fixture.Database().OpenCoordinatorAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(
            """
            SELECT shard.shardid, shard.logicalrelid::text,
                   CASE WHEN tables.partmethod = 'h' THEN column_to_column_name(tables.logicalrelid, tables.partkey::text) END, shard.shardminvalue
            FROM pg_dist_shard AS shard JOIN pg_dist_partition AS tables ON tables.logicalrelid = shard.logicalrelid
            """, coordinator);
        await using var row = await command.ExecuteReaderAsync();
        var shards = new Dictionary<long, Shard>();
        while (await row.ReadAsync())
        {
            shards.Add(row.GetInt64(0), new Shard(row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3)));
        }

        return new ShardMap(shards);
    }

    /// <summary>The shards that a command of Citus names.</summary>
    /// <param name="command">The command.</param>
    public IReadOnlyList<Shard> In(string command) =>
    [
        .. ShardName().Matches(command)
            .Select(name => shards.GetValueOrDefault(long.Parse(name.Groups["id"].Value, CultureInfo.InvariantCulture)))
            .OfType<Shard>()
            .Distinct(),
    ];

    [GeneratedRegex(@"\bpublic\.\w+?_(?<id>[0-9]{6,})\b", RegexOptions.ExplicitCapture)]
    private static partial Regex ShardName();
}
