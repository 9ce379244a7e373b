using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Api.Contract;
using DineHub.Api.Http.Errors;

namespace DineHub.Tests.Contract;

public sealed partial class ProblemsTests
{
    [Fact]
    public void Every_reason_has_its_line_in_the_documentation_and_no_other_has()
    {
        var lines = LinePattern().Matches(File.ReadAllText(ContractDocument.FileOf("docs", "problems.md")).ReplaceLineEndings("\n"))
            .Select(match => (Reason: match.Groups["reason"].Value, Status: int.Parse(match.Groups["status"].Value, CultureInfo.InvariantCulture)))
            .ToList();
        lines.Select(line => line.Reason).ShouldBe(Enum.GetNames<Refusal>(), ignoreOrder: true);
        lines.ShouldAllBe(line => ProblemExamples.Refused[Enum.Parse<Refusal>(line.Reason)].Status == line.Status);
    }

    [GeneratedRegex(@"^\| `(?<reason>\w+)` \| (?<status>\d{3}) \| [^|]+ \| [^|]+ \|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex LinePattern();
}
