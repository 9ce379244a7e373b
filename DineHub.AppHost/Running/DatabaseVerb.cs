using DineHub.AppHost.Composition;

namespace DineHub.AppHost.Running;

/// <summary>Runs <c>db</c> verbs of DineHub.Api against the cluster; the output of each goes to the log <c>db-{verb}.log</c>, too.</summary>
/// <param name="layout">The cluster.</param>
internal sealed class DatabaseVerb(ClusterLayout layout)
{
    /// <summary>Runs a verb to its end.</summary>
    /// <param name="arguments">The verb and its arguments: <c>promote db-worker-2</c>.</param>
    /// <param name="ct">Kills it.</param>
    /// <param name="environment">The cluster as the verb sees it; the topology's where nothing is given.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="NodeFailedException">It failed.</exception>
    public async Task<string> RunAsync(IReadOnlyList<string> arguments, CancellationToken ct, IReadOnlyDictionary<string, string>? environment = null)
    {
        var name = "db-" + arguments[0];
        var command = BuiltProgram.Run(BuiltProgram.Api, ["db", .. arguments]);
        command = command with { Environment = new Dictionary<string, string>(command.Environment.Concat(environment ?? layout.DatabaseEnvironment)) };
        using var log = new NodeLog(layout.Directory.LogFile(name));
        var result = await Subprocess.RunAsync(command, ct, log.Write);
        return result.ExitCode == 0
            ? result.Output
            : throw new NodeFailedException(name, $"'DineHub.Api db {arguments[0]}' failed with exit code {result.ExitCode}.", log.Last, log.Path);
    }
}
