using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace DineHub.Database;

/// <summary>Where the rows of the tables that a migration touches live.</summary>
/// <param name="DistributionColumn">The column that the rows are distributed by; null for reference tables.</param>
public sealed record Placement(string? DistributionColumn)
{
    /// <summary>Whether the tables are distributed over the workers.</summary>
    public bool IsDistributed => DistributionColumn is not null;
}

/// <summary>
/// A numbered change of the schema. Its first line declares its placement: <c>-- placement: reference</c> or
/// <c>-- placement: distributed by restaurant_id</c>; all tables that one migration touches share it.
/// </summary>
/// <param name="Number">The position in the sequence, from 1 without gaps.</param>
/// <param name="Name">What stands behind the number in the file's name.</param>
/// <param name="Placement">Where the rows live.</param>
/// <param name="Sql">The statements, run in one transaction on each node that they are for.</param>
public sealed partial record Migration(int Number, string Name, Placement Placement, string Sql)
{
    /// <summary>The migrations that this assembly carries, in order.</summary>
    public static IReadOnlyList<Migration> All { get; } = Load();

    /// <summary>The SHA-256 of the statements in lower-case hexadecimal: a migration that was applied must not change afterwards.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

    /// <summary>Reads a migration.</summary>
    /// <param name="fileName">The file's name: <c>0003_orders.sql</c>.</param>
    /// <param name="sql">The file's text.</param>
    /// <exception cref="FormatException">The name or the placement line is not of the form above.</exception>
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

        return new Migration(
            int.Parse(name.Groups["number"].ValueSpan, CultureInfo.InvariantCulture),
            name.Groups["name"].Value,
            new Placement(placement.Groups["column"] is { Success: true, Value: var column } ? column : null),
            sql);
    }

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
                throw new FormatException($"Migration {i + 1} is missing or there twice.");
            }
        }

        return migrations;
    }

    [GeneratedRegex(@"^(?<number>\d{4})_(?<name>[a-z0-9_]+)\.sql$", RegexOptions.ExplicitCapture)]
    private static partial Regex FileNamePattern();

    [GeneratedRegex(@"\A-- placement: (reference|distributed by (?<column>[a-z_]+))\r?\n", RegexOptions.ExplicitCapture)]
    private static partial Regex PlacementPattern();
}
