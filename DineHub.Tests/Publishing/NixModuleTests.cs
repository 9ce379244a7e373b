using System.Text.RegularExpressions;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Publishing;

/// <summary>The NixOS modules that are written by hand, as far as can be seen without nixpkgs.</summary>
public sealed partial class NixModuleTests
{
    private static string Folder { get; } = ContractDocument.FileOf("nix");

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task Every_file_parses()
    {
        string[] files = [.. Directory.EnumerateFiles(Folder, "*.nix", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        files.ShouldNotBeEmpty();
        (await NixTool.ParseAsync(files)).ShouldBe("");
    }

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task A_file_with_a_mistake_does_not_parse()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "wrong.nix");
        await File.WriteAllTextAsync(file, "{ lib, ... }: { a = mkIf true 1; }");
        (await NixTool.ParseAsync(file)).ShouldContain("undefined variable 'mkIf'");
    }

    [Fact]
    public void A_module_imports_the_modules_whose_options_it_refers_to_so_that_it_can_be_used_by_itself()
    {
        var modules = Modules();
        var homes = modules.SelectMany(module => OptionGroup().Matches(module.Text).Select(match => (Group: match.Groups["name"].Value, module.Name)))
            .Distinct().ToDictionary(home => home.Group, home => home.Name, StringComparer.Ordinal);
        homes.Count.ShouldBeGreaterThanOrEqualTo(modules.Count - 1);
        foreach (var module in modules)
        {
            var imported = Imported(module.Name, modules);
            foreach (var group in OptionReference().Matches(module.Text).Select(match => match.Groups["name"].Value).Distinct())
            {
                homes.ShouldContainKey(group, module.Name);
                imported.ShouldContain(homes[group], $"{module.Name} refers to dinehub.{group}");
            }
        }
    }

    [Fact]
    public void Each_option_has_a_type_and_a_description()
    {
        var options = Modules().SelectMany(module => Options(module.Text).Select(option => (module.Name, Text: option))).ToList();
        options.Count.ShouldBeGreaterThan(100);
        foreach (var (name, text) in options)
        {
            text.ShouldContain("type = ", customMessage: $"{name}: {text}");
            text.ShouldContain("description = ", customMessage: $"{name}: {text}");
        }
    }

    private static List<(string Name, string Text)> Modules() =>
        [.. Directory.EnumerateFiles(Path.Combine(Folder, "modules"), "*.nix").Order(StringComparer.Ordinal).Select(file => (Path.GetFileName(file), File.ReadAllText(file)))];

    /// <summary>The module itself, and what it imports, and what that imports.</summary>
    private static HashSet<string> Imported(string name, List<(string Name, string Text)> modules)
    {
        var found = new HashSet<string>([name], StringComparer.Ordinal);
        var open = new Queue<string>(found);
        while (open.TryDequeue(out var next))
        {
            var imports = Imports().Match(modules.Single(module => module.Name == next).Text).Groups["files"].Value;
            foreach (var file in imports.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Path.GetFileName).Where(file => found.Add(file!)))
            {
                open.Enqueue(file!);
            }
        }

        return found;
    }

    /// <summary>Each call of <c>mkOption</c>, to the brace that ends it.</summary>
    private static IEnumerable<string> Options(string text)
    {
        const string start = "mkOption {";
        for (var index = text.IndexOf(start, StringComparison.Ordinal); index >= 0; index = text.IndexOf(start, index + start.Length, StringComparison.Ordinal))
        {
            var depth = 0;
            var end = index + start.Length - 1;
            do
            {
                depth += text[end++] switch { '{' => 1, '}' => -1, _ => 0 };
            }
            while (depth > 0);

            yield return text[index..end];
        }
    }

    [GeneratedRegex(@"^  options\.dinehub\.(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex OptionGroup();

    // What may be absent is asked for by `or`.
    [GeneratedRegex(@"config\.dinehub\.(?<name>\w+)(?![\w.]* or )")]
    private static partial Regex OptionReference();

    [GeneratedRegex(@"^  imports = \[(?<files>[^\]]*)\];", RegexOptions.Multiline)]
    private static partial Regex Imports();
}
