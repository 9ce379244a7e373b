using System.Globalization;
using DineHub.Tests.Contract;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing;

/// <summary>The page on the network says who may talk to whom, and says it as it is.</summary>
public sealed class AccessTableTests
{
    private static readonly Dictionary<string, Party[]> Groups = new() { ["Database"] = [Party.Coordinator, Party.Worker, Party.Standby] };

    [Fact]
    public void The_page_has_exactly_the_rules_that_hold()
    {
        var tables = Tables();
        tables.Count.ShouldBe(2);
        tables[0].ShouldBe(AccessPolicy.RulesOf(Topologies.Reference), ignoreOrder: true);
        tables[0].Concat(tables[1]).ShouldBe(AccessPolicy.RulesOf(Topologies.Voting), ignoreOrder: true);
    }

    private static List<List<AccessRule>> Tables()
    {
        var tables = new List<List<AccessRule>>();
        var isInside = false;
        foreach (var line in File.ReadLines(ContractDocument.FileOf("docs", "networking.md")))
        {
            if (line == "| from | to | port | for |")
            {
                tables.Add([]);
                isInside = true;
            }
            else if (!line.StartsWith('|'))
            {
                isInside = false;
            }
            else if (isInside && line.Split('|', StringSplitOptions.TrimEntries) is [_, var sources, var targets, var port, var purpose, _]
                && port.Split('/') is [var number, var transport])
            {
                tables[^1].AddRange(Parties(sources).SelectMany(source => Parties(targets).Select(target => new AccessRule(
                    source, target, int.Parse(number, CultureInfo.InvariantCulture), Enum.Parse<Transport>(transport, ignoreCase: true), purpose))));
            }
        }

        return tables;
    }

    private static IEnumerable<Party> Parties(string names) =>
        names.Split(", ").SelectMany(name => Groups.TryGetValue(name, out var group) ? group : [Enum.Parse<Party>(name)]);
}
