using System.Text.RegularExpressions;
using DineHub.Database.Migrations;

namespace DineHub.Tests.Database;

/// <summary>What a migration must not do while an older version serves. Those up to 0009 are older than the rules.</summary>
internal static partial class MigrationRules
{
    private const int FirstBound = 10;

    /// <summary>What is wrong, one line each.</summary>
    public static IReadOnlyList<string> Violations(IEnumerable<Migration> migrations)
    {
        var violations = new List<string>();
        var earlier = new HashSet<string>();
        foreach (var migration in migrations)
        {
            if (migration.Number >= FirstBound)
            {
                violations.AddRange(migration.Statements.SelectMany(statement => Violations(migration, statement, earlier)));
            }

            earlier.UnionWith(migration.Statements.Select(statement => CreateTable().Match(statement)).Where(made => made.Success).Select(made => made.Groups["table"].Value));
        }

        return violations;
    }

    private static IEnumerable<string> Violations(Migration migration, string statement, HashSet<string> earlier)
    {
        if (migration.Kind == MigrationKind.Expand && earlier.Contains(CreateIndex().Match(statement).Groups["table"].Value))
        {
            yield return $"{migration.Title} makes an index on a table that is in use, and so stops its writes: '-- transaction: none' and CREATE INDEX CONCURRENTLY.";
        }

        if (migration.Kind == MigrationKind.Expand && Drop().IsMatch(statement))
        {
            yield return $"{migration.Title} drops what the facade still names: '-- phase: contract'.";
        }

        if (Change().IsMatch(statement))
        {
            yield return $"{migration.Title} renames or retypes what the running version uses: add the new, write both, drop the old.";
        }

        if (earlier.Contains(AlterTable().Match(statement).Groups["table"].Value) && AddRequired().IsMatch(statement))
        {
            yield return $"{migration.Title} adds a column that the running version does not write: it needs a default or must take NULL.";
        }
    }

    [GeneratedRegex(@"\ACREATE\s+TABLE\s+(IF\s+NOT\s+EXISTS\s+)?(?<table>\w+)", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex CreateTable();

    [GeneratedRegex(@"\AALTER\s+TABLE\s+(IF\s+EXISTS\s+)?(ONLY\s+)?(?<table>\w+)", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex AlterTable();

    [GeneratedRegex(@"\ACREATE\s+(UNIQUE\s+)?INDEX\s.*?\sON\s+(ONLY\s+)?(?<table>\w+)", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex CreateIndex();

    [GeneratedRegex(@"\bDROP\s+(TABLE|COLUMN|INDEX)\b", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex Drop();

    [GeneratedRegex(@"\AALTER\s.*\s(RENAME|TYPE)\s", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Change();

    [GeneratedRegex(@"\bADD\s+(COLUMN\s+)?(?!CONSTRAINT|CHECK)\w+\s(?![^,]*\bDEFAULT\b)[^,]*\bNOT\s+NULL\b", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex AddRequired();
}
