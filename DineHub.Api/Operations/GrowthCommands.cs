using System.CommandLine;
using DineHub.Database.Engines;
using DineHub.Database.Growth;

namespace DineHub.Api.Operations;

/// <summary>The <c>db</c> verbs that add and remove workers, place shard groups, and show them.</summary>
internal static class GrowthCommands
{
    private const int MaxSeconds = 60;

    public static Command AddWorker(IConfiguration configuration)
    {
        var name = new Argument<string>("name") { Description = "The worker's name in Database:Nodes." };
        var command = new Command("add-worker", "Add a worker to the running cluster, and move shard groups of its region to it online. Needs Citus.") { name };
        command.SetAction((result, ct) => RunAsync(configuration, growth => growth.AddWorkerAsync(result.GetRequiredValue(name), ct), ct));
        return command;
    }

    public static Command RemoveWorker(IConfiguration configuration)
    {
        var name = new Argument<string>("name") { Description = "The worker." };
        var region = new Option<string?>("--to-region") { Description = "Allow the shard groups to leave the worker's region and move to REGION.", HelpName = "REGION" };
        var command = new Command("remove-worker", "Move all shard groups of a worker online to the other workers of its region, and remove it from the cluster. Needs Citus.") { name, region };
        command.SetAction((result, ct) => RunAsync(configuration, growth => growth.RemoveWorkerAsync(result.GetRequiredValue(name), result.GetValue(region), ct), ct));
        return command;
    }

    public static Command Rebalance(IConfiguration configuration)
    {
        var command = new Command("rebalance", "Move shard groups online, within regions, until the workers hold the same number. Needs Citus.");
        command.SetAction((_, ct) => RunAsync(configuration, growth => growth.RebalanceAsync(ct), ct));
        return command;
    }

    public static Command Isolate(IConfiguration configuration)
    {
        var restaurant = Restaurant();
        var command = new Command("isolate", "Split a restaurant online into a shard group of its own, on the same worker. Needs Citus.") { restaurant };
        command.SetAction((result, ct) => RunAsync(configuration, growth => growth.IsolateAsync(result.GetRequiredValue(restaurant), ct), ct));
        return command;
    }

    public static Command Move(IConfiguration configuration)
    {
        var restaurant = Restaurant();
        var region = new Option<string>("--region") { Description = "The region to move to.", HelpName = "REGION", Required = true };
        var command = new Command("move", "Move a restaurant with its orders to another region online; its id stays. Needs Citus.") { restaurant, region };
        command.SetAction((result, ct) => RunAsync(
            configuration, growth => growth.MoveAsync(result.GetRequiredValue(restaurant), result.GetRequiredValue(region), ct), ct));
        return command;
    }

    public static Command Shards(IConfiguration configuration)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var seconds = new Option<int>("--seconds") { Description = $"Seconds between the two samples for orders per second, 0 (one sample) to {MaxSeconds}.", DefaultValueFactory = _ => 2 };
        seconds.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && (!int.TryParse(token.Value, out var value) || value is < 0 or > MaxSeconds))
            {
                result.AddError($"--seconds must be a whole number from 0 to {MaxSeconds}, but is '{token.Value}'.");
            }
        });
        var command = new Command("shards", "Show shard groups or partitions by worker: restaurants, orders, bytes, orders per second, skew.") { json, seconds };
        command.SetAction((result, ct) => DbCommand.RunAsync(configuration, needsAdministrator: true, async options => StatusReport.Write(
            await ShardReport.ReadAsync(options, TimeSpan.FromSeconds(result.GetValue(seconds)), TimeProvider.System, ct), result.GetValue(json))));
        return command;
    }

    private static Argument<string> Restaurant() => new("restaurant") { Description = "The restaurant's slug or id." };

    private static Task<int> RunAsync(IConfiguration configuration, Func<ClusterGrowth, Task> action, CancellationToken ct) =>
        DbCommand.RunAsync(configuration, needsAdministrator: true, async options =>
        {
            try
            {
                await action(new ClusterGrowth(options, DbCommand.Report, TimeProvider.System));
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                throw new DatabaseSetupException("stopped. Completed moves stay; the unfinished one stays where it was. Run the verb again to continue.");
            }
        });
}
