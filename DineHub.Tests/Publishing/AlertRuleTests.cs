using System.Text.RegularExpressions;
using DineHub.AppHost.Publishing.Monitoring;
using DineHub.Tests.Contract;
using DineHub.Tests.Metrics;

namespace DineHub.Tests.Publishing;

/// <summary>Alerts, as Prometheus understands them.</summary>
public sealed partial class AlertRuleTests
{
    [RequiresProgramFact(PromTool.Program, PromTool.Package)]
    public async Task Promtool_takes_the_rules_of_each_deployment()
    {
        using var directory = new TemporaryDirectory();
        foreach (var topology in new[] { Topologies.Reference, Topologies.OneRegion, Topologies.Voting })
        {
            var file = Path.Combine(directory.Path, "rules.yaml");
            await File.WriteAllTextAsync(file, AlertRules.Write(topology).Content);
            var run = await ProgramRun.OfAsync(PromTool.Program, ["check", "rules", "--lint-fatal", file]);
            run.ExitCode.ShouldBe(0, run.Output + run.Error);
        }
    }

    [RequiresProgramFact(PromTool.Program, PromTool.Package)]
    public async Task Promtool_takes_the_queries_of_the_dashboards()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "queries.yaml");
        await File.WriteAllTextAsync(
            file,
            "groups:\n  - name: queries\n    rules:\n" + string.Concat(Dashboards.Expressions.Distinct().Select((query, i) => $"      - record: query:{(char)('a' + (i / 26))}{(char)('a' + (i % 26))}\n        expr: '{query.Replace("'", "''", StringComparison.Ordinal)}'\n")));
        var run = await ProgramRun.OfAsync(PromTool.Program, ["check", "rules", file]);
        run.ExitCode.ShouldBe(0, run.Output + run.Error);
    }

    [RequiresProgramFact(PromTool.Program, PromTool.Package)]
    public async Task Alerts_come_when_they_should_and_only_then()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "rules.yaml"), AlertRules.Write(Topologies.Reference).Content);
        string[] tests = ["alerts.yaml", "alerts-of-days.yaml"];
        foreach (var test in tests)
        {
            File.Copy(ContractDocument.FileOf("DineHub.Tests", "Publishing", test), Path.Combine(directory.Path, test));
        }

        var run = await ProgramRun.OfAsync(PromTool.Program, ["test", "rules", .. tests], folder: directory.Path);
        run.ExitCode.ShouldBe(0, run.Output + run.Error);
    }

    [Fact]
    public void Each_alert_names_a_page_that_there_is()
    {
        foreach (var runbook in AlertRules.Runbooks)
        {
            var parts = runbook.Split('#');
            var page = ContractDocument.FileOf("docs", parts[0]);
            File.Exists(page).ShouldBeTrue(runbook);
            if (parts.Length > 1)
            {
                File.ReadLines(page).Where(line => line.StartsWith('#')).Select(Anchor).ShouldContain(parts[1], runbook);
            }
        }
    }

    [Fact]
    public void Our_own_metrics_are_named_as_the_documentation_names_them()
    {
        var known = Metric().Matches(File.ReadAllText(ContractDocument.FileOf("docs", "observability.md"))).Select(match => match.Value).ToHashSet();
        var used = Metric().Matches(AlertRules.Write(Topologies.Reference).Content + string.Join(' ', Dashboards.Expressions)).Select(match => match.Value)
            .Select(name => Regex.Replace(name, "_(bucket|count|sum)$", ""));
        used.Distinct().ShouldBeSubsetOf(known);
    }

    // As GitHub makes it of a heading.
    private static string Anchor(string heading) => Regex.Replace(Regex.Replace(heading.TrimStart('#', ' '), "[^A-Za-z0-9 _-]", ""), " ", "-").ToLowerInvariant();

    [GeneratedRegex("dinehub_[a-z_]+")]
    private static partial Regex Metric();
}
