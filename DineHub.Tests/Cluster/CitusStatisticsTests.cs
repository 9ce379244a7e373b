using System.Net;
using DineHub.Database.Cluster;
using DineHub.Tests.Metrics;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>What the keeper tells Prometheus of Citus.</summary>
[Collection(ClusterCollection.Name)]
public sealed class CitusStatisticsTests(ClusterFixture fixture)
{
    private const string Slug = "trattoria-lucia";
    private const string Queries = "dinehub_database_citus_queries_total";
    private const string Restaurants = "dinehub_database_citus_restaurant_queries";

    [CitusFact]
    public async Task Queries_connections_and_the_busiest_restaurants_are_measured_for_each_primary()
    {
        var workers = fixture.Cluster.Workers;
        try
        {
            // Queries carry their tenant in a comment then: not what every deployment wants.
            foreach (var server in workers.Prepend(fixture.Cluster.Coordinator))
            {
                await ConfigureAsync(server.AdminConnectionString(DatabaseOptions.DatabaseName), "ALTER SYSTEM SET citus.stat_tenants_track = 'all'");
            }

            var worker = fixture.Restaurants[Slug].Worker;
            await Eventually.TrueAsync(
                async () =>
                {
                    using var response = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Slug), ClusterFixture.Basket());
                    response.StatusCode.ShouldBe(HttpStatusCode.Created);
                    var samples = PrometheusText.Read(await ReadAsync());
                    return samples.Any(sample => sample.Name == Restaurants && sample.Labels["restaurant"] == Slug && sample.Labels["node"] == worker && sample.Value > 0)
                        && samples.Any(sample => sample.Name == Queries && sample.Labels["shards"] == "one" && sample.Value > 0);
                },
                $"{Slug} is among the busiest of {worker}",
                Deadline.Long);
        }
        finally
        {
            foreach (var server in workers.Prepend(fixture.Cluster.Coordinator))
            {
                await ConfigureAsync(server.AdminConnectionString(DatabaseOptions.DatabaseName), "ALTER SYSTEM RESET citus.stat_tenants_track");
            }
        }

        var text = await ReadAsync();
        var labelled = PrometheusText.Read(text).ToLookup(sample => sample.Name);
        string[] primaries = [fixture.Cluster.Coordinator.Name, .. workers.Select(server => server.Name)];
        labelled[Queries].Select(sample => (sample.Labels["node"], sample.Labels["shards"])).ShouldBe(
            primaries.SelectMany(node => new[] { (node, "one"), (node, "several") }), ignoreOrder: true);
        labelled["dinehub_database_citus_connections_total"].Select(sample => sample.Labels["outcome"]).Distinct().ShouldBe(["opened", "failed", "reused"], ignoreOrder: true);
        labelled[Restaurants].GroupBy(sample => sample.Labels["node"]).ShouldAllBe(node => node.Count() <= 5);
        PrometheusText.Comments(text, "TYPE")[Queries].ShouldBe("counter");
    }

    [StockFact]
    public async Task Nothing_of_Citus_is_measured_on_the_stock_engine()
    {
        await Eventually.TrueAsync(async () => (await ReadAsync()).Contains("dinehub_database_primary_up", StringComparison.Ordinal), "the keeper measures");
        (await ReadAsync()).ShouldNotContain("dinehub_database_citus");
        using var keeper = ClusterFixture.Client(fixture.Cluster.Keepers[0].Url);
        await Eventually.TrueAsync(async () => (await keeper.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK, "the keeper is well");
        (await File.ReadAllTextAsync(fixture.Cluster.Keepers[0].LogFile)).ShouldNotContain("statistics of");
    }

    private async Task<string> ReadAsync()
    {
        using var keeper = ClusterFixture.Client(fixture.Cluster.Keepers[0].Url);
        return await keeper.GetStringAsync("/metrics");
    }

    private static async Task ConfigureAsync(string server, string statement)
    {
        await using var dataSource = NpgsqlDataSource.Create(server + ";Pooling=false");
        foreach (var sql in new[] { statement, "SELECT pg_reload_conf()" })
        {
            await using var command = dataSource.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }
}
