using DineHub.AppHost.Local;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Aspire;

/// <summary>The program that runs containers: Docker, or Podman.</summary>
internal static class ContainerRuntime
{
    private static readonly string[] Known = ["docker", "podman"];

    /// <summary>The programs that Aspire may use: the configured one, else those that are installed, of which it takes one that answers.</summary>
    /// <exception cref="PrerequisiteException">There is none.</exception>
    public static IReadOnlyList<string> Find(IConfiguration configuration)
    {
        var configured = configuration["DcpPublisher:ContainerRuntime"] ?? configuration["ASPIRE_CONTAINER_RUNTIME"] ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        string[] candidates = string.IsNullOrEmpty(configured) ? Known : [configured];
        return candidates.Select(ProcessLauncher.FindProgram).OfType<string>().ToList() is { Count: > 0 } found
            ? found
            : throw new PrerequisiteException(
                $"Under Aspire the databases run in containers, but there is no {string.Join(" and no ", candidates)} on this machine.",
                "Install one: 'sudo apt-get install docker.io' or 'sudo apt-get install podman' (Debian, Ubuntu), 'sudo dnf install podman' (Fedora), Docker Desktop (macOS).\n"
                + "The plain run needs none: 'dotnet run --project DineHub.AppHost' without UseAspire.");
    }

    /// <summary>Kills a container at once (SIGKILL), as a power failure would.</summary>
    /// <exception cref="InvalidOperationException">No runtime could; the message is theirs.</exception>
    public static async Task KillAsync(IConfiguration configuration, string containerId, CancellationToken ct)
    {
        var refusals = new List<string>();
        foreach (var program in Find(configuration))
        {
            try
            {
                await Subprocess.RunAsync(program, ["kill", containerId], ct);
                return;
            }
            catch (InvalidOperationException e)
            {
                refusals.Add(e.Message);
            }
        }

        throw new InvalidOperationException(string.Join(Environment.NewLine, refusals));
    }
}
