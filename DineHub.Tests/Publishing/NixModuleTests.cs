using System.Diagnostics;
using DineHub.Database.Roles;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Publishing;

/// <summary>The NixOS modules that are written by hand, as far as can be seen without nixpkgs.</summary>
public sealed class NixModuleTests
{
    private static string Folder { get; } = ContractDocument.FileOf("nix");

    [RequiresProgramFact("nix-instantiate", "nix-bin")]
    public async Task Every_file_parses()
    {
        string[] files = [.. Directory.EnumerateFiles(Folder, "*.nix", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        files.ShouldNotBeEmpty();
        (await ParseAsync(files)).ShouldBe("");
    }

    [RequiresProgramFact("nix-instantiate", "nix-bin")]
    public async Task A_file_with_a_mistake_does_not_parse()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "wrong.nix");
        await File.WriteAllTextAsync(file, "{ lib, ... }: { a = mkIf true 1; }");
        (await ParseAsync([file])).ShouldContain("undefined variable 'mkIf'");
    }

    [Fact]
    public void The_access_rules_of_a_database_server_name_every_role_and_ask_for_its_password()
    {
        var rules = AccessRules();
        foreach (var role in DatabaseRoles.WithPassword.Select(role => role.Name).Concat([DatabaseRoles.Owner, "postgres"]))
        {
            rules.ShouldContain(rule => rule.Users.Contains(role), role);
        }

        rules.ShouldAllBe(rule => rule.Method == "scram-sha-256");
        rules.ShouldAllBe(rule => !rule.Users.Contains("all"));
    }

    [Fact]
    public void The_access_rules_of_a_database_server_are_those_of_the_laptop_but_for_the_addresses()
    {
        var laptop = File.ReadLines(ContractDocument.FileOf("DineHub.AppHost", "Local", "PostgresNode.cs"))
            .Select(line => line.Trim())
            .Where(line => line.StartsWith("local ", StringComparison.Ordinal) || line.StartsWith("host ", StringComparison.Ordinal))
            .Select(AccessRule.Parse);
        AccessRules().Select(rule => rule.ToString()).ShouldBe(laptop.Select(rule => rule.ToString()));
    }

    private static List<AccessRule> AccessRules() =>
    [
        .. File.ReadLines(Path.Combine(Folder, "modules", "postgres-service.nix"))
            .Select(line => line.Trim().Trim('"').Replace("${hostType}", "host", StringComparison.Ordinal))
            .Where(line => line.EndsWith("scram-sha-256", StringComparison.Ordinal) && (line.StartsWith("local ", StringComparison.Ordinal) || line.StartsWith("host ", StringComparison.Ordinal)))
            .Select(AccessRule.Parse),
    ];

    /// <returns>What it complains of; nothing where all files parse.</returns>
    private static async Task<string> ParseAsync(string[] files)
    {
        var start = new ProcessStartInfo("nix-instantiate");
        foreach (var argument in files.Prepend("--parse"))
        {
            start.ArgumentList.Add(argument);
        }

        // It insists on a store, even to parse; here is one that needs no rights.
        using var store = new TemporaryDirectory();
        start.Environment["NIX_REMOTE"] = store.Path;
        var (exitCode, _, errors) = await Programs.RunAsync(start);
        return exitCode == 0 ? "" : errors;
    }

    /// <summary>A line of pg_hba.conf without its address.</summary>
    private sealed record AccessRule(string Type, string Database, string[] Users, string Method)
    {
        public static AccessRule Parse(string line)
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return new AccessRule(fields[0], fields[1], fields[2].Split(','), fields[^1]);
        }

        public override string ToString() => $"{Type} {Database} {string.Join(',', Users)} {Method}";
    }
}
