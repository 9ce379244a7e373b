using System.Text.Json.Nodes;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Publishing;

/// <summary>What Nix builds the backend from.</summary>
public sealed class BackendPackageTests
{
    [RequiresProgramFact("jq", "jq")]
    public async Task The_hashes_are_those_of_the_packages_that_are_restored()
    {
        var run = await ProgramRun.OfAsync(ContractDocument.FileOf("nix", "packages", "backend", "update-deps.sh"), ["--check"]);
        run.ExitCode.ShouldBe(0, run.Output + run.Error);
    }

    [Fact]
    public void Each_package_of_the_list_has_its_version_pinned()
    {
        var packages = JsonNode.Parse(File.ReadAllText(ContractDocument.FileOf("nix", "packages", "backend", "deps.json")))!.AsArray();
        packages.Count.ShouldBeGreaterThan(5);
        packages.Select(package => package!["pname"]!.GetValue<string>()).ShouldBeUnique();
        packages.ShouldAllBe(package => package!["hash"]!.GetValue<string>().StartsWith("sha256-"));
        foreach (var (name, version) in Pinned())
        {
            packages.Where(package => package!["pname"]!.GetValue<string>() == name).Select(package => package!["version"]!.GetValue<string>()).ShouldAllBe(found => found == version, name);
        }
    }

    private static IEnumerable<(string Name, string Version)> Pinned() =>
        System.Xml.Linq.XDocument.Load(ContractDocument.FileOf("Directory.Packages.props")).Descendants("PackageVersion")
            .Select(package => (package.Attribute("Include")!.Value, package.Attribute("Version")!.Value));
}
