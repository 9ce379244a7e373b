using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Local;
using DineHub.AppHost.Services;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DineHub.AppHost.Aspire;

/// <summary>What the dashboard offers to do to resources, beyond starting and stopping them.</summary>
internal static class ResourceCommands
{
    private const string ContainerId = "container.id";
    private const string ProcessId = "executable.pid";

    /// <summary>"Kill": the process, or the container, ends at once and stays down until it is started.</summary>
    public static IResourceBuilder<T> WithKillCommand<T>(this IResourceBuilder<T> builder)
        where T : IResource => builder.WithCommand("kill", "Kill", KillAsync, new CommandOptions
        {
            Description = "End it at once (SIGKILL), as a power failure would.",
            ConfirmationMessage = $"Kill {builder.Resource.Name}?",
            IconName = "Power",
            UpdateState = WhileRunning,
        });

    /// <summary>"Place a sample order", through the gateway's HTTPS endpoint.</summary>
    public static IResourceBuilder<T> WithSampleOrderCommand<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints => builder.WithCommand(
            "sample-order",
            "Place a sample order",
            async context =>
            {
                using var client = AspNetCoreCertificate.CreateClient(builder.GetEndpoint("https").Url);
                try
                {
                    var order = await SampleOrder.PlaceAsync(client, context.CancellationToken);
                    context.Services.GetRequiredService<ResourceLoggerService>().GetLogger(builder.Resource).SampleOrderPlaced(order);
                    return CommandResults.Success();
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
                {
                    return CommandResults.Failure(e);
                }
            },
            new CommandOptions
            {
                Description = "Order one item at a restaurant that takes orders now, as a guest; the console log tells where it is.",
                IconName = "Food",
                IsHighlighted = true,
                UpdateState = WhileHealthy,
            });

    /// <summary>"Add a worker": starts the spare worker, then moves shards to it online.</summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="spare">The worker that waits to be started.</param>
    /// <param name="join">What runs <c>db add</c>.</param>
    public static IResourceBuilder<CitusClusterResource> WithAddWorkerCommand(
        this IResourceBuilder<CitusClusterResource> builder, IResourceBuilder<CitusWorkerResource> spare, IResourceBuilder<ProjectResource> join) =>
        builder.WithCommand(
            "add-worker",
            "Add a worker",
            async context =>
            {
                var commands = context.Services.GetRequiredService<ResourceCommandService>();
                var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
                var ct = context.CancellationToken;
                var started = await commands.ExecuteCommandAsync(spare.Resource, KnownResourceCommands.StartCommand, ct);
                if (!started.Success)
                {
                    return started;
                }

                await notifications.WaitForResourceHealthyAsync(spare.Resource.Name, ct);
                started = await commands.ExecuteCommandAsync(join.Resource, KnownResourceCommands.StartCommand, ct);
                if (!started.Success)
                {
                    return started;
                }

                var ended = await notifications.WaitForResourceAsync(
                    join.Resource.Name, state => KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text), ct);
                return ended.Snapshot.ExitCode is 0
                    ? CommandResults.Success()
                    : CommandResults.Failure($"'db add' has failed; the console log of {join.Resource.Name} tells why.");
            },
            new CommandOptions
            {
                Description = $"Start {spare.Resource.Name} and move shards to it online ('db add').",
                ConfirmationMessage = $"Add {spare.Resource.Name} to the cluster?",
                IconName = "DatabaseArrowRight",
                UpdateState = WhileHealthy,
            });

    private static async Task<ExecuteCommandResult> KillAsync(ExecuteCommandContext context)
    {
        var services = context.Services;
        if (!services.GetRequiredService<ResourceNotificationService>().TryGetCurrentState(context.ResourceName, out var state))
        {
            return CommandResults.Failure($"There is no '{context.ResourceName}'.");
        }

        try
        {
            if (Property(state.Snapshot, ContainerId) is { } container)
            {
                await ContainerRuntime.KillAsync(services.GetRequiredService<IConfiguration>(), container, context.CancellationToken);
            }
            else if (int.TryParse(Property(state.Snapshot, ProcessId), CultureInfo.InvariantCulture, out var id))
            {
                using var process = Process.GetProcessById(id);
                process.Kill(entireProcessTree: true);
            }
            else
            {
                return CommandResults.Failure($"'{context.ResourceName}' has neither a container nor a process.");
            }

            return CommandResults.Success();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or PrerequisiteException)
        {
            return CommandResults.Failure(e);
        }
    }

    private static string? Property(CustomResourceSnapshot snapshot, string name) =>
        Convert.ToString(snapshot.Properties.FirstOrDefault(property => property.Name == name)?.Value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    private static ResourceCommandState WhileRunning(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;

    private static ResourceCommandState WhileHealthy(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy
            ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled;
}
