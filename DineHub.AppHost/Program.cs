using System.CommandLine;
using DineHub.AppHost.Commands;
using DineHub.AppHost.Local;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.AppHost.Topology;

const int Failed = 1;
const int Misconfigured = 2;

var common = new CommonOptions();
var root = new RootCommand("Runs the DineHub cluster that a topology describes. Without a verb: up.") { common.File, common.Set };
root.Subcommands.Add(TopologyCommand.Create(common));
root.Subcommands.Add(PublishCommand.Create(common));
root.Subcommands.Add(SecretsCommand.Create(common));
UpCommand.AddTo(root, common);

try
{
#if USE_ASPIRE
    if (DineHub.AppHost.Aspire.AspireApplication.Takes(args))
    {
        await using var app = DineHub.AppHost.Aspire.AspireApplication.Build(args, common);
        return await DineHub.AppHost.Aspire.AspireApplication.RunAsync(app);
    }
#endif
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception e) when (e is TopologyException or FileNotFoundException or InvalidDataException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return Misconfigured;
}
catch (Exception e) when (e is PrerequisiteException or NodeFailedException or SecretException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return Failed;
}
