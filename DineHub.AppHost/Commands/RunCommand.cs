using System.CommandLine;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Commands;

/// <summary><c>up</c>, and what happens without a verb: runs the cluster on this machine, or does what Aspire's own options ask for.</summary>
internal sealed class RunCommand
{
    private readonly Option<bool> fresh = new("--fresh") { Description = "Start over: remove the data of earlier runs." };
    private readonly Option<string?> data = new("--data") { Description = "The folder for data and logs.", HelpName = "DIR" };
    private readonly Option<string?> restoreTo = new("--restore-to")
    {
        Description = "First restore the databases: a time such as 2026-11-21T10:15:00Z, a restore point's name, or 'latest'.",
        HelpName = "TARGET",
    };

    private readonly Option<bool> trust = new("--trust") { Description = "Make this user's programs trust the gateways' certificate ('dotnet dev-certs https --trust')." };
    private readonly Option<bool> verbose = new("--verbose") { Description = "Show all output of the nodes, not only warnings and errors." };
    private readonly Option<bool> yes = new("--yes") { Description = "Install missing prerequisites without confirmation." };
    private readonly Option<EnginePreference> engine = new("--engine")
    {
        Description = "The database engine: auto, citus (in containers where the installed PostgreSQL lacks it) or postgres.",
        HelpName = "ENGINE",
    };

    // What Aspire's command line passes on (its DistributedApplicationBuilder maps them to settings).
    private static readonly string[] AspireNames =
        ["--operation", "--publisher", "--step", "--list-steps", "--output-path", "--log-level", "--include-exception-details", "--clear-cache", "--environment"];

    private static readonly string[] AspireYes = ["--yes", "true"];

    private readonly Option<string>[] aspire = [.. AspireNames.Select(name => new Option<string>(name) { Hidden = true })];

    private readonly CommonOptions common;

    private RunCommand(CommonOptions common) => this.common = common;

    /// <summary>Adds the verb, and makes it what happens without one.</summary>
    /// <param name="root">The command line.</param>
    /// <param name="common">The options of every verb.</param>
    public static void AddTo(RootCommand root, CommonOptions common)
    {
        var run = new RunCommand(common);
        var up = new Command("up", "Run the cluster on this machine (the default).");
        root.Subcommands.Add(up);
        foreach (var command in new[] { up, root })
        {
            Option[] options = [run.fresh, run.data, run.restoreTo, run.trust, run.verbose, run.engine, run.yes, .. run.aspire];
            foreach (var option in options)
            {
                command.Options.Add(option);
            }

            command.SetAction(run.RunAsync);
        }
    }

    private Task<int> RunAsync(ParseResult result, CancellationToken ct) => ClusterApplication.RunAsync(
        new RunOptions
        {
            Source = common.SourceOf(result),
            DataDirectory = result.GetValue(data),
            Fresh = result.GetValue(fresh),
            RestoreTo = result.GetValue(restoreTo),
            TrustCertificate = result.GetValue(trust),
            Verbose = result.GetValue(verbose),
            Yes = result.GetValue(yes),
            Engine = result.GetValue(engine),
            AspireArguments =
            [
                .. aspire.Where(option => result.GetValue(option) is not null).SelectMany(option => new[] { option.Name, result.GetValue(option)! }),
                .. result.GetValue(yes) ? AspireYes : [],
            ],
        },
        ct);
}
