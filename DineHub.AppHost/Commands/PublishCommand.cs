using System.CommandLine;
using DineHub.AppHost.Publishing;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.Topology;
using Spectre.Console;

namespace DineHub.AppHost.Commands;

/// <summary><c>publish</c>: writes the machines that the topology describes.</summary>
internal static class PublishCommand
{
    private const int Differs = 1;

    public static Command Create(CommonOptions common)
    {
        var output = CreateOutput();
        var check = new Option<bool>("--check") { Description = "Verify only: exit 1 and print a diff if the folder is out of date." };
        var command = new Command("publish", "Write the NixOS hosts, Terraform, mesh policy and monitoring of the topology.") { output, check };
        command.SetAction(result => Run(common.LoadTopology(result), result.GetRequiredValue(output), result.GetValue(check)));
        return command;
    }

    /// <summary>The option that names the folder.</summary>
    public static Option<string> CreateOutput() => new("--output")
    {
        Description = "The folder to write to.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "nix",
    };

    private static int Run(ClusterTopology topology, string output, bool check)
    {
        var console = TopologyCommand.WideConsole();
        var (recipients, files, differences) = Publication.Of(topology, output);
        if (check)
        {
            DifferenceReport.Write(console, differences);
            console.WriteLine(differences.Count == 0
                ? $"{output}: {files.Count} files are up to date."
                : $"{output}: {differences.Count} files are out of date: {Header.Command}");
            return differences.Count == 0 ? 0 : Differs;
        }

        new PublicationFolder(output).Apply(differences);
        foreach (var file in differences)
        {
            console.WriteLine($"{(file.Old is null ? "added  " : file.New is null ? "removed" : "changed")}  {Path.Combine(output, file.Path)}");
        }

        console.WriteLine($"{output}: {files.Count} files, {differences.Count} new, changed or removed.");
        new SecretReport(topology, recipients, output).Write(console);
        return 0;
    }
}
