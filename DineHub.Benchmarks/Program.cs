using System.CommandLine;
using DineHub.AppHost.Prerequisites;
using DineHub.Benchmarks;

const int Failed = 1;

var requests = new Option<int>("--requests") { Description = "Requests of each case in each round.", DefaultValueFactory = _ => 1000 };
var clients = new Option<int>("--clients") { Description = "Clients that send one request after the other.", DefaultValueFactory = _ => 8 };
var rounds = new Option<int>("--rounds") { Description = "Rounds; the cases take turns in each.", DefaultValueFactory = _ => 3 };
var orders = new Command("orders", "What the layers cost: placing orders through the gateway and directly, reading menus likewise.") { requests, clients, rounds };
orders.SetAction((result, ct) => OrderBenchmark.RunAsync(result.GetValue(requests), result.GetValue(clients), result.GetValue(rounds), ct));

var seconds = new Option<int>("--seconds") { Description = "How long each case runs in each round.", DefaultValueFactory = _ => 5 };
var connections = new Option<int>("--connections") { Description = "Connections where as much is sent as possible.", DefaultValueFactory = _ => 64 };
var variants = new Option<string[]>("--variant")
{
    Description = "One more gateway with environment variables, NAME=VALUE,NAME=VALUE; may be repeated.",
    DefaultValueFactory = _ => [],
};
var ingress = new Command("ingress", "What the ingress costs: the gateway, nginx with the generated configuration, and no ingress.") { seconds, connections, rounds, variants };
ingress.SetAction((result, ct) => IngressBenchmark.RunAsync(
    result.GetValue(seconds), result.GetValue(rounds), result.GetValue(connections), result.GetValue(variants)!, ct));

var publish = new Command("publish", "How publishing grows with the number of nodes.") { rounds };
publish.SetAction(result => PublishBenchmark.Run(result.GetValue(rounds)));

// The last commit whose AppHost supervised processes by itself.
const string LastWithoutAspire = "16c2dc3";
var former = new Option<string>("--former") { Description = "The commit to compare with.", DefaultValueFactory = _ => LastWithoutAspire };
var start = new Command("start", "What the cluster costs to start, to keep and to stop, against another commit's AppHost.") { former, rounds };
start.SetAction((result, ct) => StartBenchmark.RunAsync(result.GetRequiredValue(former), result.GetValue(rounds), ct));

try
{
    return await new RootCommand("Benchmarks. Every figure stands beside a baseline of the same run.") { orders, ingress, publish, start }
        .Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (PrerequisiteException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return Failed;
}
catch (OperationCanceledException)
{
    return Failed;
}
