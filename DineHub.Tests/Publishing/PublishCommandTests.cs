using DineHub.AppHost.Publishing;
using Spectre.Console;

namespace DineHub.Tests.Publishing;

/// <summary><c>publish</c> as an operator types it.</summary>
public sealed class PublishCommandTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Fact]
    public async Task Publish_writes_check_agrees_and_a_change_is_shown_line_by_line()
    {
        var (exitCode, output) = await PublishAsync();
        exitCode.ShouldBe(0, output);
        output.ShouldContain("hosts/backend-eu-1.nix");
        output.ShouldContain("database/api-password");
        output.ShouldContain("secrets init");

        (exitCode, output) = await PublishAsync();
        exitCode.ShouldBe(0, output);
        output.ShouldContain(" 0 new, changed or removed");

        (exitCode, output) = await PublishAsync("--check");
        exitCode.ShouldBe(0, output);

        var file = Path.Combine(directory.Path, "hosts", "backend-eu-1.nix");
        var before = await File.ReadAllTextAsync(file);
        (exitCode, output) = await PublishAsync("--check", "--set", "InstanceTypes:Backend=t3.large", "--set", "Regions:0:Backends=1");
        exitCode.ShouldBe(1, output);
        output.ShouldContain("--- hosts/backend-eu-1.nix");
        output.ShouldContain("-      memoryMiB = 4096;");
        output.ShouldContain("+      memoryMiB = 8192;");
        output.ShouldContain("--- hosts/backend-eu-2.nix\n+++ /dev/null");
        output.ShouldContain("publish");
        (await File.ReadAllTextAsync(file)).ShouldBe(before);
    }

    [Fact]
    public void A_difference_is_shown_as_it_stands_in_the_file_however_long_its_line_is_and_where_it_is_only_the_end()
    {
        var line = string.Join(' ', Enumerable.Repeat("word", 100));
        using var writer = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(writer) });
        DifferenceReport.Write(console, [new FileDifference("rules.yaml", $"a\n{line}\n", $"a\n[{line}]\n"), new FileDifference("hosts/a.nix", "{ }", "{ }\n")]);
        writer.ToString().ReplaceLineEndings("\n").ShouldBe(
            $"--- rules.yaml\n+++ rules.yaml\n a\n-{line}\n+[{line}]\n--- hosts/a.nix\n+++ hosts/a.nix\n\\ The lines are the same; their ends, or the end of the file, are not.\n");
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_to_is_named()
    {
        var file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "");
        var (exitCode, output) = await AppHostProcess.RunAsync(["publish", "--output", file]);
        exitCode.ShouldBe(2, output);
        output.ShouldContain($"--output: '{file}' can't be written to");
    }

    [Fact]
    public async Task A_topology_with_mistakes_is_not_published()
    {
        var (exitCode, output) = await PublishAsync("--set", "Regions:0:Backends=0", "--set", "Operators:0:SshKey=x");
        exitCode.ShouldBe(2, output);
        output.ShouldContain("Regions:0:Backends");
        output.ShouldContain("Operators:0:SshKey");
        Directory.EnumerateFileSystemEntries(directory.Path).ShouldBeEmpty();
    }

    public void Dispose() => directory.Dispose();

    private Task<(int ExitCode, string Output)> PublishAsync(params string[] arguments) => AppHostProcess.RunAsync(["publish", "--output", directory.Path, .. arguments]);
}
