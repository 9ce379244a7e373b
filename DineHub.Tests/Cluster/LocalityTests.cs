using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Database.Locality;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>Restaurants live on workers of their own region.</summary>
[Collection(ClusterCollection.Name)]
public sealed class LocalityTests(ClusterFixture fixture)
{
    [Theory]
    [InlineData("eu-west-1")]
    [InlineData("us-east-1")]
    public async Task Restaurants_that_are_created_through_either_gateway_live_in_their_own_region(string region)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < 12; i++)
        {
            ids.Add(await CreateAsync(i % 2 == 0 ? fixture.Eu : fixture.Us, region));
        }

        ids.ShouldAllBe(id => id.Version == 7);
        var located = await fixture.LocateAsync(ids);
        ids.ShouldAllBe(id => fixture.Cluster.Node(located[id]).Node.Region == region);
    }

    [Fact]
    public void Every_worker_has_restaurants_of_the_seed() =>
        fixture.Restaurants.Values.Select(restaurant => restaurant.Worker).Distinct().ShouldBe(fixture.Cluster.Workers.Select(worker => worker.Name), ignoreOrder: true);

    [Fact]
    public async Task A_restaurant_of_a_region_without_workers_is_created_anywhere()
    {
        var id = await CreateAsync(fixture.Eu, "antarctica-1");
        (await fixture.LocateAsync([id])).Keys.ShouldBe([id]);
    }

    [Fact]
    public async Task The_apis_role_locates_ids_as_the_engine_does()
    {
        var ids = Enumerable.Range(0, 500).Select(n => n % 2 == 0 ? Guid.NewGuid() : Guid.CreateVersion7()).ToList();
        await using var dataSource = NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var connection = await dataSource.OpenConnectionAsync();
        var workers = await RestaurantIds.WorkersAsync(connection, CancellationToken.None);
        var located = await RestaurantIds.LocateAsync(connection, workers, ids, CancellationToken.None);
        located.ToDictionary(pair => pair.Key, pair => pair.Value.Name).ShouldBe(await fixture.LocateAsync(ids), ignoreOrder: true);
        located.Values.Select(worker => worker.Name).Distinct().Count().ShouldBe(workers.Count);
        workers.ShouldAllBe(worker => fixture.Cluster.Node(worker.Name).Node.Region == worker.Region);
    }

    [Theory]
    [InlineData("UPDATE workers SET region = 'eu-west-1'")]
    [InlineData("DELETE FROM workers")]
    [InlineData("INSERT INTO workers (name, region, position) VALUES ('x', 'y', 99)")]
    public async Task The_apis_role_cannot_change_which_worker_stands_where(string sql)
    {
        await using var dataSource = NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand(sql);
        (await Should.ThrowAsync<PostgresException>(async () => await command.ExecuteNonQueryAsync())).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    private async Task<Guid> CreateAsync(HttpClient client, string region)
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, "/api/v1/restaurants", new JsonObject
        {
            ["slug"] = "local-" + Guid.NewGuid().ToString("n"),
            ["region"] = region,
            ["currency"] = "EUR",
            ["profile"] = TestRestaurant.Profile(),
        });
        using var response = await client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }
}
