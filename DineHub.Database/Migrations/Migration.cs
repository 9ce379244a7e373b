using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace DineHub.Database.Migrations;

/// <summary>Where the rows of the tables that a migration touches live.</summary>
/// <param name="DistributionColumn">The column that the rows are distributed by; null for reference tables.</param>
public sealed record Placement(string? DistributionColumn)
{
    /// <summary>Whether the tables are distributed over the workers.</summary>
    public bool IsDistributed => DistributionColumn is not null;
}

/// <summary>How a migration is run while a version that does not know it serves.</summary>
public enum MigrationKind
{
    /// <summary>Adds what the running version passes over. In one transaction on each node that it is for, then in the coordinator's facade.</summary>
    Expand,

    /// <summary>Takes away what no running version uses any more: from the coordinator's facade first, then from the workers.</summary>
    Contract,

    /// <summary>Makes or drops one index beside the running statements, outside of a transaction.</summary>
    ConcurrentIndex,
}

/// <summary>The one statement of a <see cref="MigrationKind.ConcurrentIndex"/> migration.</summary>
/// <param name="Name">The index.</param>
/// <param name="IsMade">Whether it is made, and not dropped.</param>
/// <param name="Statement">The statement, without comments.</param>
internal sealed record ConcurrentIndex(string Name, bool IsMade, string Statement);

/// <summary>
/// A numbered change of the schema. Its first line declares its placement: <c>-- placement: reference</c> or
/// <c>-- placement: distributed by restaurant_id</c>; all tables that one migration touches share it. Its second line may be
/// <c>-- phase: contract</c> or <c>-- transaction: none</c>.
/// </summary>
/// <param name="Number">The position in the sequence, from 1 without gaps.</param>
/// <param name="Name">What stands behind the number in the file's name.</param>
/// <param name="Placement">Where the rows live.</param>
/// <param name="Sql">The statements.</param>
public sealed partial record Migration(int Number, string Name, Placement Placement, string Sql)
{
    // Citus appends a shard's number, and hashes what is longer than 63 bytes then.
    private const int MaxIndexNameLength = 50;

    /// <summary>The migrations that this assembly carries, in order.</summary>
    public static IReadOnlyList<Migration> All { get; } = Load();

    /// <summary>How it is run.</summary>
    public MigrationKind Kind { get; private init; }

    /// <summary>The file's name without its ending: <c>0003_orders</c>.</summary>
    public string Title => string.Create(CultureInfo.InvariantCulture, $"{Number:0000}_{Name}");

    /// <summary>The index that it makes or drops; null where it is of another kind.</summary>
    internal ConcurrentIndex? Index { get; private init; }

    /// <summary>The statements one by one, without comments.</summary>
    internal IReadOnlyList<string> Statements { get; } =
        CommentPattern().Replace(Sql, "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The SHA-256 of the statements in lower-case hexadecimal: a migration that was applied must not change afterwards.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

    /// <summary>Reads a migration.</summary>
    /// <param name="fileName">The file's name: <c>0003_orders.sql</c>.</param>
    /// <param name="sql">The file's text.</param>
    /// <exception cref="FormatException">The name or the first lines are not of the form above, or the statements are not such as they declare.</exception>
    public static Migration Parse(string fileName, string sql)
    {
        var name = FileNamePattern().Match(fileName);
        if (!name.Success)
        {
            throw new FormatException($"'{fileName}' is not named like 0001_what_it_does.sql.");
        }

        var placement = PlacementPattern().Match(sql);
        if (!placement.Success)
        {
            throw new FormatException(
                $"The first line of '{fileName}' must be '-- placement: reference' or '-- placement: distributed by <column>'.");
        }

        var declared = DeclarationPattern().Matches(sql);
        var kind = placement.Groups["kind"].Value switch
        {
            "-- phase: contract" => MigrationKind.Contract,
            "-- transaction: none" => MigrationKind.ConcurrentIndex,
            _ => MigrationKind.Expand,
        };
        if (declared.Count != (kind == MigrationKind.Expand ? 0 : 1))
        {
            throw new FormatException(
                $"'{fileName}' declares its phase or transaction wrongly: '-- phase: contract' or '-- transaction: none', one of them, on the second line.");
        }

        var migration = new Migration(
            int.Parse(name.Groups["number"].ValueSpan, CultureInfo.InvariantCulture),
            name.Groups["name"].Value,
            new Placement(placement.Groups["column"] is { Success: true, Value: var column } ? column : null),
            sql)
        { Kind = kind };
        return kind switch
        {
            MigrationKind.ConcurrentIndex => migration with { Index = ReadIndex(fileName, migration.Statements) },
            MigrationKind.Contract => RefuseAllButDrops(fileName, migration),
            _ => migration,
        };
    }

    private static ConcurrentIndex ReadIndex(string fileName, IReadOnlyList<string> statements)
    {
        var index = statements.Count == 1 ? IndexPattern().Match(statements[0]) : Match.Empty;
        return index.Success && index.Groups["name"].Length <= MaxIndexNameLength
            ? new ConcurrentIndex(index.Groups["name"].Value, index.Groups["made"].Success, statements[0])
            : throw new FormatException(
                $"'{fileName}' runs outside of a transaction, and so must be one statement that may be repeated: "
                + "'CREATE INDEX CONCURRENTLY IF NOT EXISTS name ON …' or 'DROP INDEX CONCURRENTLY IF EXISTS name', the name in lower case, not quoted, "
                + string.Create(CultureInfo.InvariantCulture, $"and at most {MaxIndexNameLength} characters long."));
    }

    // They run on the facade as they stand, also where it is not built yet, and again after a failure half-way.
    private static Migration RefuseAllButDrops(string fileName, Migration migration) =>
        migration.Statements.Count > 0 && migration.Statements.All(statement => DropPattern().IsMatch(statement))
            ? migration
            : throw new FormatException(
                $"'{fileName}' contracts, and so must be of 'ALTER TABLE IF EXISTS name DROP COLUMN IF EXISTS name, …' and 'DROP TABLE IF EXISTS name' alone.");

    private static List<Migration> Load()
    {
        const string Folder = "DineHub.Database.Migrations.";
        var assembly = Assembly.GetExecutingAssembly();
        var migrations = assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(Folder, StringComparison.Ordinal))
            .Select(resource =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                return Parse(resource[Folder.Length..], reader.ReadToEnd());
            })
            .OrderBy(migration => migration.Number)
            .ToList();
        for (var i = 0; i < migrations.Count; i++)
        {
            if (migrations[i].Number != i + 1)
            {
                throw new FormatException($"Migration {i + 1} is missing or duplicated.");
            }
        }

        return migrations;
    }

    [GeneratedRegex(@"^(?<number>\d{4})_(?<name>[a-z0-9_]+)\.sql$", RegexOptions.ExplicitCapture)]
    private static partial Regex FileNamePattern();

    [GeneratedRegex(@"\A-- placement: (reference|distributed by (?<column>[a-z_]+))\r?\n((?<kind>-- (phase: contract|transaction: none))\r?\n)?", RegexOptions.ExplicitCapture)]
    private static partial Regex PlacementPattern();

    [GeneratedRegex(@"^\s*--\s*(phase|transaction)\s*:", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex DeclarationPattern();

    [GeneratedRegex(@"--.*$", RegexOptions.Multiline)]
    private static partial Regex CommentPattern();

    [GeneratedRegex(
        @"\A((?<made>CREATE)\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+(?<name>[a-z_][a-z0-9_]*)\s+ON\s.+|DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+(?<name>[a-z_][a-z0-9_]*))\z",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex IndexPattern();

    [GeneratedRegex(
        @"\A(ALTER\s+TABLE\s+IF\s+EXISTS\s+[a-z_][a-z0-9_]*(\s+DROP\s+COLUMN\s+IF\s+EXISTS\s+[a-z_][a-z0-9_]*\s*(,(?=\s)|\z))+|DROP\s+TABLE\s+IF\s+EXISTS\s+[a-z_][a-z0-9_]*)\z",
        RegexOptions.ExplicitCapture)]
    private static partial Regex DropPattern();
}
