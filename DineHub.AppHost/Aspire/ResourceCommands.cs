using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Local;
using DineHub.AppHost.Services;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace DineHub.AppHost.Aspire;

/// <summary>What the dashboard offers to do to resources, beyond starting and stopping them.</summary>
internal static class ResourceCommands
{
    private const string ContainerId = "container.id";
    private const string ProcessId = "executable.pid";

    private static readonly TimeSpan ShutdownDeadline = TimeSpan.FromMinutes(1);

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

    /// <summary>
    /// "Promote standby": runs <c>db promote</c>, then starts the server that was the primary, which comes back as the standby. That it takes no
    /// writes (<c>--lost</c>) is vouched for only where its container is known to have ended.
    /// </summary>
    /// <param name="builder">The group's first server.</param>
    /// <param name="environment">What the verb is told of the cluster.</param>
    public static IResourceBuilder<T> WithPromoteCommand<T>(this IResourceBuilder<T> builder, Func<IEnumerable<KeyValuePair<string, object>>> environment)
        where T : CitusNodeResource => builder.WithCommand(
            "promote-standby",
            "Promote standby",
            async context =>
            {
                try
                {
                    return CommandResults.Success(await PromoteAsync(builder.Resource, environment(), context.Services, context.CancellationToken));
                }
                catch (Exception e) when (e is InvalidOperationException or PrerequisiteException or NpgsqlException)
                {
                    return CommandResults.Failure(e.Message);
                }
            },
            new CommandOptions
            {
                Description = "Fence the primary of this group, make its standby the primary, start the other one as the standby ('db promote').",
                ConfirmationMessage = $"Make the standby of {builder.Resource.Name} its primary? Orders that are placed meanwhile wait for some seconds.",
                IconName = "ArrowSwap",
                UpdateState = context => context.ResourceSnapshot.State?.Text is null or "NotStarted" or "Waiting"
                    ? ResourceCommandState.Disabled
                    : ResourceCommandState.Enabled,
            });

    private static async Task<string> PromoteAsync(
        CitusNodeResource home, IEnumerable<KeyValuePair<string, object>> environment, IServiceProvider services, CancellationToken ct)
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        var commands = services.GetRequiredService<ResourceCommandService>();
        var values = new Dictionary<string, string>();
        foreach (var (name, value) in environment)
        {
            values[name] = (value is IValueProvider later ? await later.GetValueAsync(ct) : value.ToString()) ?? "";
        }

        List<string> arguments = ["db", "promote", home.Name];
        foreach (var member in home.Group)
        {
            if (HasEnded(await notifications.WaitForResourceAsync(member.Name, _ => true, ct)))
            {
                arguments.Add("--lost");
                break;
            }
        }

        var verb = ClusterContext.DotNet("DineHub.Api", arguments, values);
        var output = (await Subprocess.RunAsync(verb.FileName, verb.Arguments, ct, verb.Environment)).Trim();
        services.GetRequiredService<ResourceLoggerService>().GetLogger(home).Promoted(output);
        var (primary, connection) = await CitusRegistration.OpenPrimaryAsync(home, ct);
        await connection.DisposeAsync();
        var other = home.Group.Single(member => member != primary);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(ShutdownDeadline);
        try
        {
            await notifications.WaitForResourceAsync(other.Name, HasEnded, deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return $"{output}{Environment.NewLine}{other.Name} has not stopped: restart it, to make it the standby.";
        }

        var started = await commands.ExecuteCommandAsync(other, KnownResourceCommands.StartCommand, ct);
        return started.Success
            ? $"{output}{Environment.NewLine}{other.Name} is started as the standby."
            : $"{output}{Environment.NewLine}{other.Name} could not be started ({started.Message}): start it, to make it the standby.";
    }

    private static bool HasEnded(ResourceEvent state) => KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text);

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
