using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Database.Tools;

namespace DineHub.Database.Servers;

/// <summary>Major versions of PostgreSQL: a server starts from the data of its own one only.</summary>
internal static partial class ServerVersion
{
    /// <summary>The version that a data folder is of; null where there is no data.</summary>
    public static async Task<int?> OfDataAsync(ServerFiles files, CancellationToken ct) =>
        files.HasData ? int.Parse((await File.ReadAllTextAsync(files["PG_VERSION"], ct)).Split('.')[0], CultureInfo.InvariantCulture) : null;

    /// <summary>The version of the programs; null where there is no <c>postgres</c> among them.</summary>
    public static async Task<int?> OfProgramsAsync(ServerFiles files, ServerTool tool, CancellationToken ct)
    {
        try
        {
            return Parse(await tool.RunAsync(files.Program("postgres"), ["--version"], ct));
        }
        catch (ToolException)
        {
            return null;
        }
    }

    /// <summary>The major version in a text such as <c>15.20</c> or <c>postgres (PostgreSQL) 17.11</c>; null where it has none.</summary>
    public static int? Parse(string? text) =>
        text is not null && Pattern().Match(text) is { Success: true, Value: var number } ? int.Parse(number, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"\d{1,3}", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
