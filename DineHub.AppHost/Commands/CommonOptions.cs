using System.CommandLine;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.AppHost.Commands;

/// <summary>The options that every verb has, and what they stand for.</summary>
internal sealed class CommonOptions
{
    public Option<string> File { get; } = new("--topology")
    {
        Description = "The topology file.",
        Recursive = true,
        DefaultValueFactory = _ => TopologySource.Default.File,
    };

    public Option<string[]> Set { get; } = CreateSet();

    /// <exception cref="TopologyException">The topology is not valid.</exception>
    public ClusterTopology LoadTopology(ParseResult result) => SourceOf(result).Load();

    /// <summary>The file and the overrides that were given.</summary>
    public TopologySource SourceOf(ParseResult result)
    {
        var overrides = (result.GetValue(Set) ?? [])
            .Select(text => text.Split('=', 2))
            .Select(pair => KeyValuePair.Create<string, string?>(pair[0], pair[1]));
        return new TopologySource(result.GetRequiredValue(File), [.. overrides]);
    }

    private static Option<string[]> CreateSet()
    {
        var option = new Option<string[]>("--set")
        {
            Description = "Override a setting of the topology, such as Regions:0:Backends=3. May be repeated.",
            HelpName = "KEY=VALUE",
            Recursive = true,
        };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1))
            {
                result.AddError($"--set '{token.Value}' is not of the form KEY=VALUE.");
            }
        });
        return option;
    }
}
