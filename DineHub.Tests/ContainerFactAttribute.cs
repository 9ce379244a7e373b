using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests;

/// <summary>
/// A fact about servers in containers: skipped, with the reason, where no container engine answers, or where it lacks the images that ours is built from.
/// Nothing is downloaded for a test.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContainerFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Obstacle = new(() => FindObstacleAsync().GetAwaiter().GetResult());

    public ContainerFactAttribute() => Skip = Obstacle.Value;

    private static async Task<string?> FindObstacleAsync()
    {
        if (TestEngine.IsCitusInstalled)
        {
            return "Citus is installed for this machine's PostgreSQL: '--engine citus' runs it as processes, not in containers.";
        }

        var search = await ContainerRuntime.FindAsync(new ConfigurationBuilder().AddEnvironmentVariables().Build(), LocalMachine.Current, CancellationToken.None);
        if (search.Runtime is not { } runtime)
        {
            return $"No container engine answers. {search.Explanation.ReplaceLineEndings(" ")}";
        }

        foreach (var image in File.ReadLines(ContainerServers.Dockerfile).Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]))
        {
            try
            {
                await runtime.RunAsync(CancellationToken.None, "image", "inspect", "--format", "{{.Id}}", image);
            }
            catch (InvalidOperationException)
            {
                return $"{runtime.Name} does not have the image {image}: '{runtime.Name} pull {image}'";
            }
        }

        return null;
    }
}
