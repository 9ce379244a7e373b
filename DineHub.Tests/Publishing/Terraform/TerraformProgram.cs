using System.Diagnostics;
using System.Text.Json.Nodes;
using DineHub.AppHost.Local;
using DineHub.AppHost.Publishing;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>Terraform with the real AWS provider, offline: a folder that is made ready once, for one configuration after another.</summary>
public sealed class TerraformProgram : IDisposable
{
    private const string Program = "terraform";

    // Where it is not set, the usual places are looked at.
    private const string PluginsVariable = "DINEHUB_TERRAFORM_PLUGINS";

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static readonly string? Plugins = new[]
    {
        Environment.GetEnvironmentVariable(PluginsVariable),
        "/opt/tf-plugins",
        "/usr/local/share/terraform/plugins",
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".terraform.d", "plugins"),
    }.FirstOrDefault(folder => !string.IsNullOrEmpty(folder) && Directory.Exists(Path.Combine(folder, "registry.terraform.io", "hashicorp", "aws")));

    private readonly TemporaryDirectory directory = new();
    private bool isReady;

    /// <summary>What to do about it where it can't run; null where it can.</summary>
    public static string? Missing => ProcessLauncher.FindProgram(Program) is null ? "terraform is not installed: https://developer.hashicorp.com/terraform/install"
        : Plugins is null ? $"Terraform's AWS provider is not there: 'terraform providers mirror DIR' in nix/generated/terraform, and {PluginsVariable}=DIR"
        : null;

    /// <summary>What <c>terraform validate</c> has to say of files; nothing where they are right.</summary>
    public async Task<IReadOnlyList<string>> ValidateAsync(IReadOnlyList<PublishedFile> files)
    {
        await PrepareAsync(files);
        var (_, output) = await RunAsync("validate", "-json", "-no-color");
        return [.. JsonNode.Parse(output)!["diagnostics"]!.AsArray().Select(diagnostic => $"{diagnostic!["summary"]}: {diagnostic["detail"]}")];
    }

    /// <summary>What <c>terraform test</c> has to say of files; nothing where the test passes.</summary>
    public async Task<string> TestAsync(IReadOnlyList<PublishedFile> files, string test)
    {
        await PrepareAsync(files);
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "main.tftest.hcl"), test);
        var (exitCode, output) = await RunAsync("test", "-no-color");
        return exitCode == 0 ? "" : output;
    }

    public void Dispose() => directory.Dispose();

    private async Task PrepareAsync(IReadOnlyList<PublishedFile> files)
    {
        foreach (var old in Directory.EnumerateFiles(directory.Path, "*.tf*"))
        {
            File.Delete(old);
        }

        foreach (var file in files)
        {
            await File.WriteAllTextAsync(Path.Combine(directory.Path, Path.GetFileName(file.Path)), file.Content);
        }

        if (!isReady)
        {
            var (exitCode, output) = await RunAsync("init", "-backend=false", "-input=false", "-no-color", "-plugin-dir=" + Plugins);
            exitCode.ShouldBe(0, output);
            isReady = true;
        }
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments) { WorkingDirectory = directory.Path };

        // Neither the settings of whoever runs the tests, nor anything from outside.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("TF_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        var settings = Path.Combine(directory.Path, "settings.rc");
        await File.WriteAllTextAsync(settings, "");
        start.Environment["TF_CLI_CONFIG_FILE"] = settings;
        start.Environment["TF_IN_AUTOMATION"] = "1";
        start.Environment["CHECKPOINT_DISABLE"] = "1";
        var (exitCode, output, errors) = await Programs.RunAsync(start, deadline: Deadline);
        return (exitCode, output + errors);
    }
}
