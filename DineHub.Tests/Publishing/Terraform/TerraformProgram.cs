using System.Diagnostics;
using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing;
using DineHub.Tests.Processes;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>Terraform with the real AWS provider, offline.</summary>
internal static class TerraformProgram
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

    /// <summary>What to do about it where it can't run; null where it can.</summary>
    public static string? Missing => ProcessLauncher.FindProgram(Program) is null ? "terraform is not installed: https://developer.hashicorp.com/terraform/install"
        : Plugins is null ? $"Terraform's AWS provider is not there: 'terraform providers mirror DIR' in nix/generated/terraform, and {PluginsVariable}=DIR"
        : null;

    /// <summary>What <c>terraform validate</c> has to say of configurations, all of which it reads at once: it takes longest to start the provider.</summary>
    /// <param name="configurations">Names and files.</param>
    /// <returns>Complaints, each with the name of its configuration; none where all are right.</returns>
    public static async Task<ILookup<string, string>> ValidateAsync(params IReadOnlyList<(string Name, IReadOnlyList<PublishedFile> Files)> configurations)
    {
        using var directory = new TemporaryDirectory();
        foreach (var (name, files) in configurations)
        {
            await WriteAsync(Directory.CreateDirectory(Path.Combine(directory.Path, name)).FullName, files);
        }

        var modules = new JsonObject(configurations.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Name, new JsonObject { ["source"] = "./" + one.Name })));
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "main.tf.json"), new JsonObject { ["module"] = modules }.ToJsonString());
        await InitAsync(directory.Path);
        var (_, output) = await RunAsync(directory.Path, "validate", "-json", "-no-color");
        return JsonNode.Parse(output)!["diagnostics"]!.AsArray().ToLookup(
            diagnostic => (diagnostic!["range"]?["filename"]?.GetValue<string>() ?? "").Split('/')[0],
            diagnostic => $"{diagnostic!["summary"]}: {diagnostic["detail"]}");
    }

    /// <summary>What <c>terraform test</c> has to say of files; nothing where the test passes.</summary>
    public static async Task<string> TestAsync(IReadOnlyList<PublishedFile> files, string test)
    {
        using var directory = new TemporaryDirectory();
        await WriteAsync(directory.Path, files);
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "main.tftest.hcl"), test);
        await InitAsync(directory.Path);
        var (exitCode, output) = await RunAsync(directory.Path, "test", "-no-color");
        return exitCode == 0 ? "" : output;
    }

    private static async Task WriteAsync(string folder, IReadOnlyList<PublishedFile> files)
    {
        foreach (var file in files)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, Path.GetFileName(file.Path)), file.Content);
        }
    }

    private static async Task InitAsync(string folder)
    {
        var (exitCode, output) = await RunAsync(folder, "init", "-backend=false", "-input=false", "-no-color", "-plugin-dir=" + Plugins);
        exitCode.ShouldBe(0, output);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments) { WorkingDirectory = folder };

        // Neither the user's own settings, nor network access.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("TF_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        var settings = Path.Combine(folder, "settings.rc");
        await File.WriteAllTextAsync(settings, "");
        start.Environment["TF_CLI_CONFIG_FILE"] = settings;
        start.Environment["TF_IN_AUTOMATION"] = "1";
        start.Environment["CHECKPOINT_DISABLE"] = "1";
        var (exitCode, output, errors) = await Programs.RunAsync(start, deadline: Deadline);
        return (exitCode, output + errors);
    }
}
