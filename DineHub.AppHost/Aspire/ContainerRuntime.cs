using DineHub.AppHost.Local;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Aspire;

/// <summary>The program that runs containers: Docker, or Podman.</summary>
internal static class ContainerRuntime
{
    private static readonly string[] Known = ["docker", "podman"];

    /// <summary>The program that Aspire uses: the configured one, else the first that is installed.</summary>
    /// <exception cref="PrerequisiteException">There is none.</exception>
    public static string Find(IConfiguration configuration)
    {
        var configured = configuration["ASPIRE_CONTAINER_RUNTIME"] ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        string[] candidates = string.IsNullOrEmpty(configured) ? Known : [configured];
        return candidates.Select(ProcessLauncher.FindProgram).FirstOrDefault(path => path is not null)
            ?? throw new PrerequisiteException(
                $"Under Aspire the databases run in containers, but there is no {string.Join(" and no ", candidates)} on this machine.",
                "Install one: 'sudo apt-get install docker.io' or 'sudo apt-get install podman' (Debian, Ubuntu), 'sudo dnf install podman' (Fedora), Docker Desktop (macOS).\n"
                + "The plain run needs none: 'dotnet run --project DineHub.AppHost' without UseAspire.");
    }

    /// <summary>Kills a container at once (SIGKILL), as a power failure would.</summary>
    /// <exception cref="InvalidOperationException">The runtime refused.</exception>
    public static Task KillAsync(IConfiguration configuration, string containerId, CancellationToken ct) =>
        Subprocess.RunAsync(Find(configuration), ["kill", containerId], ct);
}
