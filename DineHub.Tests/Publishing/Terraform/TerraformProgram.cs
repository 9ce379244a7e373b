using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.AppHost.Local;
using DineHub.AppHost.Publishing;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>Terraform with the real AWS provider, offline: a folder that is made ready once, for one configuration after another.</summary>
public sealed class TerraformProgram : IDisposable
{
    /// <summary>The variable that says where the provider is; where it is not set, the usual places are looked at.</summary>
    private const string PluginsVariable = "DINEHUB_TERRAFORM_PLUGINS";

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly TemporaryDirectory directory = new();
    private bool isReady;

    /// <summary>What to do about it where it can't run; null where it can.</summary>
    public static string? Missing { get; } = ProcessLauncher.FindProgram("terraform") is null ? "terraform is not installed: https://developer.hashicorp.com/terraform/install"
        : Plugins is null ? $"The AWS provider is not there: 'terraform providers mirror DIR' in nix/generated/terraform, then {PluginsVariable}=DIR"
        : null;

    private static string? Plugins { get; } = new[]
    {
        Environment.GetEnvironmentVariable(PluginsVariable),
        "/opt/tf-plugins",
        "/usr/local/share/terraform/plugins",
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".terraform.d", "plugins"),
    }.FirstOrDefault(folder => folder is not null && Directory.Exists(Path.Combine(folder, "registry.terraform.io", "hashicorp", "aws")));

    /// <summary>What <c>terraform validate</c> has to say of files; nothing where they are right.</summary>
    public async Task<IReadOnlyList<string>> ValidateAsync(IReadOnlyList<PublishedFile> files)
    {
        await WriteAsync(files);
        var (_, output) = await RunAsync("validate", "-json", "-no-color");
        return [.. JsonNode.Parse(output)!["diagnostics"]!.AsArray().Select(diagnostic => $"{diagnostic!["summary"]}: {diagnostic["detail"]}")];
    }

    /// <summary>The outputs that files have where a provider that only pretends makes everything.</summary>
    /// <param name="files">The files.</param>
    /// <param name="test">A test in Terraform's language; what it prints to is not looked at.</param>
    /// <returns>What went wrong; nothing where nothing did.</returns>
    public async Task<string> TestAsync(IReadOnlyList<PublishedFile> files, string test)
    {
        await WriteAsync(files);
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "main.tftest.hcl"), test);
        var (exitCode, output) = await RunAsync("test", "-no-color");
        return exitCode == 0 ? "" : output;
    }

    public void Dispose() => directory.Dispose();

    private async Task WriteAsync(IReadOnlyList<PublishedFile> files)
    {
        foreach (var file in Directory.EnumerateFiles(directory.Path, "*.tf*"))
        {
            File.Delete(file);
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
}
