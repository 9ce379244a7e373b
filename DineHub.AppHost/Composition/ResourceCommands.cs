using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DineHub.AppHost.Composition;

/// <summary>What the dashboard and <c>aspire resource</c> can do to resources, beyond starting and stopping them. Output is shown as the result.</summary>
internal static class ResourceCommands
{
    private static readonly TimeSpan OrderDeadline = TimeSpan.FromSeconds(20);

    /// <summary>"Kill", "Suspend" and "Resume".</summary>
    /// <param name="builder">The resource.</param>
    public static IResourceBuilder<T> WithProcessCommands<T>(this IResourceBuilder<T> builder)
        where T : IResource
    {
        var name = builder.Resource.Name;
        return builder
            .WithAction("kill", "Kill", (supervisor, node, ct) => supervisor.KillAsync(node, ct), new CommandOptions
            {
                Description = "End it at once (SIGKILL), as a power failure would. It stays down until it is started.",
                ConfirmationMessage = $"Kill {name}?",
                IconName = "Power",
            })
            .WithAction("suspend", "Suspend", (supervisor, node, _) => supervisor.SuspendAsync(node), new CommandOptions
            {
                Description = "Halt it (SIGSTOP), as a machine that hangs: it accepts connections and does not answer.",
                ConfirmationMessage = $"Suspend {name}?",
                IconName = "Pause",
            })
            .WithAction("resume", "Resume", (supervisor, node, _) => supervisor.ResumeAsync(node), new CommandOptions
            {
                Description = "Let it go on after a suspension.",
                IconName = "Play",
            });
    }

    /// <summary>What concerns the whole cluster of databases: status, backups, SQL.</summary>
    /// <param name="builder">The coordinator.</param>
    /// <param name="hasBackups">Whether the databases can be backed up.</param>
    public static IResourceBuilder<T> WithClusterCommands<T>(this IResourceBuilder<T> builder, bool hasBackups)
        where T : IResource
    {
        builder
            .WithVerb("db-status", "Database status", ["status"], new CommandOptions
            {
                Description = "Show the groups with primary, standby, lag and durability ('db status').",
                IconName = "DatabaseSearch",
                IsHighlighted = true,
            })
            .WithSqlCommand();
        return !hasBackups ? builder : builder
            .WithVerb("back-up", "Back up", ["backup", "--type", "Full"], new CommandOptions
            {
                Description = "Take a full backup of every primary and make a restore point ('db backup --type Full').",
                IconName = "DatabaseArrowDown",
            })
            .WithVerb("backups", "List backups", ["backups"], new CommandOptions { Description = "List the backups ('db backups').", IconName = "DocumentDatabase" })
            .WithVerb("restore-point", "Make a restore point", ["restore-point"], new CommandOptions
            {
                Description = "Make a named point that all databases can be restored to ('db restore-point'). Restore with: dotnet run --project DineHub.AppHost -- --restore-to POINT",
                IconName = "BookmarkAdd",
            });
    }

    /// <summary>"Place a sample order", through the gateway's HTTPS endpoint.</summary>
    /// <param name="builder">The gateway.</param>
    /// <param name="layout">The cluster.</param>
    /// <param name="url">The gateway.</param>
    public static IResourceBuilder<T> WithSampleOrderCommand<T>(this IResourceBuilder<T> builder, ClusterLayout layout, Uri url)
        where T : IResource => builder.WithCommand(
            "sample-order",
            "Place a sample order",
            context => AnswerAsync(async () =>
            {
                using var client = layout.CreateClient(url, OrderDeadline);
                return await SampleOrder.PlaceAsync(client, context.CancellationToken);
            }),
            new CommandOptions
            {
                Description = "Order one item as a guest at a restaurant that takes orders now.",
                IconName = "Food",
                IsHighlighted = true,
                UpdateState = WhileHealthy,
            });

    /// <summary>"Add a worker": starts the spare worker, then moves shards to it online.</summary>
    /// <param name="builder">The coordinator.</param>
    /// <param name="layout">The cluster.</param>
    /// <param name="spare">The worker that waits to be started.</param>
    public static IResourceBuilder<T> WithAddWorkerCommand<T>(this IResourceBuilder<T> builder, ClusterLayout layout, DatabaseServer spare)
        where T : IResource => builder.WithCommand(
            "add-worker",
            "Add a worker",
            context => AnswerAsync(async () =>
            {
                var services = context.Services;
                await services.GetRequiredService<NodeSupervisor>().StartAsync(services.GetRequiredService<ClusterNodes>().Get(spare.Name), context.CancellationToken);
                return await services.GetRequiredService<DatabaseVerb>().RunAsync(["add-worker", spare.Name], context.CancellationToken, layout.GrownEnvironment);
            }),
            new CommandOptions
            {
                Description = $"Start {spare.Name} and move shards to it online ('db add-worker').",
                ConfirmationMessage = $"Add {spare.Name} to the cluster?",
                IconName = "DatabaseArrowRight",
                UpdateState = WhileHealthy,
            });

    /// <summary>
    /// "Promote standby": runs <c>db promote</c>, then starts the server that was the primary, which comes back as the standby. <c>--lost</c> (it takes no
    /// writes) is added only where its process is known to have ended.
    /// </summary>
    /// <param name="builder">The group's home primary.</param>
    /// <param name="layout">The cluster.</param>
    /// <param name="home">The same.</param>
    public static IResourceBuilder<T> WithPromoteCommand<T>(this IResourceBuilder<T> builder, ClusterLayout layout, DatabaseServer home)
        where T : IResource => builder.WithCommand(
            "promote-standby",
            "Promote standby",
            context => AnswerAsync(() => PromoteAsync(layout, home, context.Services, context.CancellationToken)),
            new CommandOptions
            {
                Description = "Fence the primary of this group, make its standby the primary, start the other one as the standby ('db promote').",
                ConfirmationMessage = $"Make the standby of {home.Name} its primary? Orders that are placed meanwhile wait for some seconds.",
                IconName = "ArrowSwap",
                UpdateState = context => context.ResourceSnapshot.State?.Text is null or "NotStarted" or "Waiting"
                    ? ResourceCommandState.Disabled
                    : ResourceCommandState.Enabled,
            });

    private static IResourceBuilder<T> WithSqlCommand<T>(this IResourceBuilder<T> builder)
        where T : IResource => builder.WithCommand(
            "psql",
            "Run SQL (psql)",
            context => AnswerAsync(async () =>
            {
                var layout = context.Services.GetRequiredService<ClusterLayout>();
                var runId = context.Services.GetRequiredService<ClusterNodes>().Get(layout.Coordinator.Name).RunId
                    ?? throw new InvalidOperationException($"{layout.Coordinator.Name} does not run.");
                var command = layout.Kind.Psql(layout.Coordinator, runId, layout.Secrets.PostgresPassword, context.Arguments["sql"].Value ?? "");
                var result = await Subprocess.RunAsync(command, context.CancellationToken);
                return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException(result.Output);
            }),
            new CommandOptions
            {
                Description = "Run a statement as the superuser in the database 'dinehub' of the coordinator.",
                IconName = "Code",
                Arguments = [new InteractionInput { Name = "sql", Label = "SQL", InputType = InputType.Text, Required = true, Placeholder = "SELECT count(*) FROM orders" }],
                UpdateState = WhileHealthy,
            });

    private static async Task<string> PromoteAsync(ClusterLayout layout, DatabaseServer home, IServiceProvider services, CancellationToken ct)
    {
        var nodes = services.GetRequiredService<ClusterNodes>();
        var supervisor = services.GetRequiredService<NodeSupervisor>();
        ClusterNode[] members = [nodes.Get(home.Name), nodes.Get(layout.PartnerOf(home)!.Name)];
        List<string> arguments = ["promote", home.Name];
        if (members.Any(member => member.RunId is null))
        {
            arguments.Add("--lost");
        }

        List<(ClusterNode Node, string RunId)> primaries = [];
        foreach (var member in members)
        {
            if (member.RunId is { } id && !await member.IsStandbyAsync(ct))
            {
                primaries.Add((member, id));
            }
        }

        var output = await services.GetRequiredService<DatabaseVerb>().RunAsync(arguments, ct);

        // A fenced primary shuts itself down, which looks like a crash: it is started again as the standby.
        foreach (var (primary, id) in primaries)
        {
            await supervisor.WaitForEndAsync(primary, id, ct);
        }

        foreach (var member in members)
        {
            await supervisor.StartAsync(member, ct);
        }

        return output;
    }

    private static IResourceBuilder<T> WithVerb<T>(this IResourceBuilder<T> builder, string name, string title, string[] arguments, CommandOptions options)
        where T : IResource
    {
        options.UpdateState = WhileHealthy;
        return builder.WithCommand(
            name, title, context => AnswerAsync(() => context.Services.GetRequiredService<DatabaseVerb>().RunAsync(arguments, context.CancellationToken)), options);
    }

    private static IResourceBuilder<T> WithAction<T>(
        this IResourceBuilder<T> builder, string name, string title, Func<NodeSupervisor, ClusterNode, CancellationToken, Task> action, CommandOptions options)
        where T : IResource
    {
        options.UpdateState = WhileRunning;
        return builder.WithCommand(
            name,
            title,
            context => AnswerAsync(async () =>
            {
                var node = context.Services.GetRequiredService<ClusterNodes>().Get(builder.Resource.Name);
                await action(context.Services.GetRequiredService<NodeSupervisor>(), node, context.CancellationToken);
                return "";
            }),
            options);
    }

    private static async Task<ExecuteCommandResult> AnswerAsync(Func<Task<string>> work)
    {
        try
        {
            var output = await work();
            return output.Length == 0
                ? CommandResults.Success()
                : CommandResults.Success(output.Split('\n')[0], output, CommandResultFormat.Text, displayImmediately: true);
        }
        catch (Exception e) when (e is InvalidOperationException or NodeFailedException or HttpRequestException or TaskCanceledException)
        {
            return CommandResults.Failure(e.Message);
        }
    }

    private static ResourceCommandState WhileRunning(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;

    private static ResourceCommandState WhileHealthy(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.HealthStatus == HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
}
