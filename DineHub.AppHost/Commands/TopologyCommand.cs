using System.CommandLine;
using System.Net;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Topology;
using DineHub.Topology.Access;
using Spectre.Console;

namespace DineHub.AppHost.Commands;

/// <summary><c>topology</c>: shows what the configuration stands for.</summary>
internal static class TopologyCommand
{
    private const int NarrowestTable = 120;
    private const int NoSuchNode = 2;

    public static Command Create(CommonOptions common)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var nginx = new Option<string>("--nginx") { Description = "Print the nginx configuration of an ingress.", HelpName = "NODE" };
        var control = new Option<string>("--control")
        {
            Description = "With --nginx: the control server's IP address on the control link; adds the relay to it.",
            HelpName = "ADDRESS",
        };
        control.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => !IPAddress.TryParse(token.Value, out _)))
            {
                result.AddError("--control must be an IP address: nginx does not start if it cannot resolve a name.");
            }
        });
        var command = new Command("topology", "Show the nodes and the permitted connections.") { json, nginx, control };
        command.SetAction(result =>
        {
            var topology = common.LoadTopology(result);
            if (result.GetValue(nginx) is { } name)
            {
                return WriteNginx(topology, name, result.GetValue(control));
            }

            if (result.GetValue(json))
            {
                Console.WriteLine(TopologyReport.ToJson(topology));
            }
            else
            {
                TopologyReport.Write(WideConsole(), topology);
            }

            return 0;
        });
        return command;
    }

    private static int WriteNginx(ClusterTopology topology, string name, string? control)
    {
        var ingresses = topology.OfRole(Role.Ingress).ToList();
        if (ingresses.Find(node => node.Name == name) is not { } ingress)
        {
            Console.Error.WriteLine($"--nginx: '{name}' is not an ingress; there are {string.Join(", ", ingresses.Select(node => node.Name))}");
            return NoSuchNode;
        }

        var settings = NginxSettings.For(topology, ingress, control is null ? null : new NginxControl("control." + topology.Domain, control, Ports.Headscale));
        Console.Write(NginxConfiguration.Write(topology.Ingress, settings));
        return 0;
    }

    /// <summary>A console whose tables are not folded where the output is redirected.</summary>
    public static IAnsiConsole WideConsole()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        console.Profile.Width = Math.Max(console.Profile.Width, NarrowestTable);
        return console;
    }
}
