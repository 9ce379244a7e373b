using System.CommandLine;
using DineHub.AppHost.Topology;
using Spectre.Console;

namespace DineHub.AppHost.Commands;

/// <summary><c>topology</c>: shows what the configuration stands for.</summary>
internal static class TopologyCommand
{
    private const int NarrowestTable = 120;

    public static Command Create(CommonOptions common)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("topology", "Show the nodes and who may talk to whom.") { json };
        command.SetAction(result =>
        {
            var topology = common.LoadTopology(result);
            if (result.GetValue(json))
            {
                Console.WriteLine(TopologyReport.ToJson(topology));
                return;
            }

            TopologyReport.Write(WideConsole(), topology);
        });
        return command;
    }

    /// <summary>A console whose tables are not folded where the output is redirected.</summary>
    public static IAnsiConsole WideConsole()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        console.Profile.Width = Math.Max(console.Profile.Width, NarrowestTable);
        return console;
    }
}
