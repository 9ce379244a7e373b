using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace DineHub.Topology.Configuration;

/// <summary>The source of a topology; every read validates the result.</summary>
/// <param name="File">The JSON file.</param>
/// <param name="Overrides">Keys such as <c>Regions:0:Backends</c> with their values; of one key the last holds.</param>
public sealed record TopologySource(string File, IReadOnlyList<KeyValuePair<string, string?>> Overrides)
{
    private const string FileName = "dinehub.json";

    /// <summary>The regions to keep, with the workers that stand in them; all where none is named.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>The AppHost's file: in its project, where this runs from a tree, so that an edit counts without a build; else beside the program.</summary>
    public static TopologySource Default { get; } = new(FileOf(Assembly.GetEntryAssembly()), []);

    /// <summary>The file of a program.</summary>
    /// <param name="program">The program; Aspire's SDK writes the folder of an AppHost's project into its metadata.</param>
    internal static string FileOf(Assembly? program)
    {
        var project = program?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == "apphostprojectpath")?.Value;
        return project is not null && Path.Combine(project, FileName) is var file && System.IO.File.Exists(file) ? file : Path.Combine(AppContext.BaseDirectory, FileName);
    }

    /// <summary>Reads it: the file, then environment variables, then overrides; the later wins.</summary>
    /// <exception cref="TopologyException">The topology is not valid, or has no such region.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not JSON.</exception>
    public ClusterTopology Load()
    {
        var configuration = TopologyConfiguration.Open(File, Overrides);
        return TopologyConfiguration.Read(Regions.Count == 0 ? configuration : KeepRegions(configuration));
    }

    private IConfigurationRoot KeepRegions(IConfiguration configuration)
    {
        var known = configuration.GetSection("Regions").GetChildren().Select(region => region["Name"]).ToList();
        if (Regions.Where(region => !known.Contains(region)).Select(region => new ConfigurationError("Regions", $"has no '{region}'")).ToList() is { Count: > 0 } errors)
        {
            throw new TopologyException(errors);
        }

        // Keys can be overridden but not taken away: so all are copied, but for those.
        (string List, string Key)[] filters = [("Regions", "Name"), ("Database:Workers", "Region")];
        var kept = configuration.AsEnumerable()
            .Where(pair => pair.Value is not null && !filters.Any(filter => pair.Key.StartsWith(filter.List + ":", StringComparison.OrdinalIgnoreCase)));
        var filtered = filters.SelectMany(filter => configuration.GetSection(filter.List).GetChildren()
            .Where(item => item[filter.Key] is { } region && Regions.Contains(region))
            .SelectMany((item, i) => item.AsEnumerable(makePathsRelative: true)
                .Where(pair => pair.Value is not null)
                .Select(pair => KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"{filter.List}:{i}:{pair.Key}"), pair.Value))));
        return new ConfigurationBuilder().AddInMemoryCollection(kept.Concat(filtered)).Build();
    }
}
