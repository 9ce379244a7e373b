using System.CommandLine;
using DineHub.Benchmarks;

var requests = new Option<int>("--requests") { Description = "Requests of each case in each round.", DefaultValueFactory = _ => 1000 };
var clients = new Option<int>("--clients") { Description = "Clients that send one request after the other.", DefaultValueFactory = _ => 8 };
var rounds = new Option<int>("--rounds") { Description = "Rounds; the cases take turns in each.", DefaultValueFactory = _ => 3 };
var orders = new Command("orders", "What the layers cost: placing orders through the gateway and directly, reading menus likewise.") { requests, clients, rounds };
orders.SetAction((result, ct) => OrderBenchmark.RunAsync(result.GetValue(requests), result.GetValue(clients), result.GetValue(rounds), ct));
return await new RootCommand("Benchmarks over a local cluster. Every figure stands beside a baseline of the same run.") { orders }.Parse(args).InvokeAsync();
