using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Databases;

/// <summary>Chooses the kind of database servers.</summary>
internal static class ServerKinds
{
    /// <summary>The kind that this machine and the options ask for; offers to install PostgreSQL where it is missing.</summary>
    /// <param name="options">How the cluster runs.</param>
    /// <param name="configuration">The application's configuration, which may name a container engine.</param>
    /// <param name="ct">Ends the search.</param>
    /// <exception cref="PrerequisiteException">
    /// There is neither a usable PostgreSQL nor a container engine, or the folder has the data of another kind of servers.
    /// </exception>
    public static async Task<IServerKind> ChooseAsync(RunOptions options, IConfiguration configuration, CancellationToken ct)
    {
        // From the environment, unless the options differ.
        var machine = LocalMachine.Current with { PostgresDirectory = configuration[PostgresInstallation.DirectoryVariable] is { Length: > 0 } directory ? directory : null };
        var choice = new DatabaseEngineChoice(configuration, machine, Terminal.OfProcess);
        var root = options.DataDirectory ?? ClusterDirectory.Default();
        var kept = options.Fresh ? KeptServers.None : KeptServersRules.Find(root);
        var engine = await choice.MakeAsync(KeptServersRules.Narrow(options.Engine, kept, root), options.Yes, ct);
        KeptServersRules.RefuseOther(engine, kept, root);
        return engine switch
        {
            DatabaseEngine.Processes processes => new ProcessServers(processes.Installation, processes.UsesCitus),
            DatabaseEngine.Containers containers => InContainers(containers.Runtime, configuration),
            var other => throw new InvalidOperationException($"{other} is not a kind of servers."),
        };
    }

    // Aspire makes its own choice otherwise, which may be a client without an engine.
    private static ContainerServers InContainers(ContainerRuntime runtime, IConfiguration configuration)
    {
        configuration["DcpPublisher:ContainerRuntime"] = runtime.Name;
        return new ContainerServers(runtime);
    }
}
