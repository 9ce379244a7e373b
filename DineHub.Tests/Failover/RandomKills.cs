using System.Globalization;
using DineHub.Tests.Hosting;

namespace DineHub.Tests.Failover;

/// <summary>Ends database servers at random, as kill -9 does, while customers order; each is started again by itself.</summary>
internal static class RandomKills
{
    private const string Variable = "DINEHUB_TEST_SEED";
    private const int Kills = 12;

    /// <summary>Kills, heals, and checks that every acknowledged order is there once. Then <paramref name="afterwards"/>, and checks again.</summary>
    public static async Task RunAsync(FailoverFixture fixture, Func<Task>? afterwards = null)
    {
        var seed = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var killed = new List<string>();
        try
        {
            await using var load = new FaultLoad(fixture);
            await load.ReachAsync(20);
            await KillAsync(fixture, load, new Random(seed), killed);
            await fixture.HealAsync();
            await fixture.TakeOrdersAsync();
            await load.ReachAsync(20);
            await load.StopAsync();
            await load.VerifyAsync();
            if (afterwards is not null)
            {
                await afterwards();
                await load.VerifyAsync();
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"With {Variable}={seed}, which killed {string.Join(", ", killed)}: {e.Message}", e);
        }
    }

    private static async Task KillAsync(FailoverFixture fixture, FaultLoad load, Random random, List<string> killed)
    {
        ServerHandle[] servers = [.. fixture.Cluster.Databases];
        for (var i = 0; i < Kills; i++)
        {
            var server = servers[random.Next(servers.Length)];
            killed.Add(server.Name);
            server.Crash();

            // Some die while others are on their way back.
            await Task.Delay(random.Next(1500));
            if (random.Next(3) == 0)
            {
                await load.ReachAsync(10);
            }
        }
    }
}
