using System.CommandLine;
using DineHub.AppHost.Commands;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.AppHost.Running;
using DineHub.Topology.Configuration;

const int Failed = 1;
const int Misconfigured = 2;

var common = new CommonOptions();
var root = new RootCommand("Run or publish the DineHub cluster of a topology file. Default command: up.") { common.File, common.Set };
root.Subcommands.Add(TopologyCommand.Create(common));
root.Subcommands.Add(PublishCommand.Create(common));
root.Subcommands.Add(SecretsCommand.Create(common));
RunCommand.AddTo(root, common);

try
{
    var commandLine = root.Parse(args);
    return await commandLine.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,

        // Suggestions belong to the errors: 'aspire run' shows standard error only.
        Output = commandLine.Errors.Count > 0 ? Console.Error : Console.Out,
    });
}
catch (Exception e) when (e is TopologyException or FileNotFoundException or InvalidDataException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return Misconfigured;
}
catch (Exception e) when (e is PrerequisiteException or NodeFailedException or SecretException or Aspire.Hosting.DistributedApplicationException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return Failed;
}
