using System.Text.RegularExpressions;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Documentation;

/// <summary>Tests that the documents name as proof exist. `.ci/docs-check` looks at links, tables and words.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public void Tests_that_documents_name_exist()
    {
        var methods = typeof(DocumentationTests).Assembly.GetTypes()
            .Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
            .ToLookup(type => type.Name, type => type.GetMethods().Select(method => method.Name).ToList());
        var named = Documents().SelectMany(file => Names().Matches(File.ReadAllText(file)).Select(name => (File: Path.GetFileName(file), Name: name))).ToList();
        named.Count.ShouldBeGreaterThan(10);
        named.Where(mention => !Exists(methods, mention.Name)).Select(mention => $"{mention.File}: {mention.Name.Value}").ShouldBeEmpty();
    }

    private static bool Exists(ILookup<string, List<string>> methods, Match name) =>
        methods[name.Groups["class"].Value] is var found && found.Any()
        && (name.Groups["method"] is not { Success: true, Value: var method }
            || found.SelectMany(each => each).Any(each => name.Groups["more"].Success ? each.StartsWith(method, StringComparison.Ordinal) : each == method));

    private static IEnumerable<string> Documents()
    {
        var root = ContractDocument.FileOf();
        return Directory.GetFiles(root, "*.md").Concat(Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories));
    }

    // `RetryTests`, `RetryTests.Posts_are_not_repeated`, `RetryTests.Posts_are_…`
    [GeneratedRegex("`(?<class>[A-Z][A-Za-z0-9]+Tests)(\\.(?<method>[A-Za-z0-9_]+)(?<more>…)?)?`", RegexOptions.CultureInvariant)]
    private static partial Regex Names();
}
