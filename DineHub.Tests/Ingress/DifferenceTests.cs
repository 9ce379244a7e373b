using DineHub.AppHost.Composition;

namespace DineHub.Tests.Ingress;

public sealed class DifferenceTests
{
    private const string Section = "## Where they differ";

    [Fact]
    public async Task What_the_cases_let_differ_is_what_the_document_tells()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(BuildMetadata.Get("DineHub.Root"), "docs", "ingress.md"));
        var told = lines.SkipWhile(line => line != Section).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1])
            .ToList();
        told.ShouldBe(Enum.GetNames<Difference>(), ignoreOrder: true);
    }
}
