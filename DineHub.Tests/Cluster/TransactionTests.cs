using System.Net;
using System.Text.Json;
using DineHub.Api;
using DineHub.Api.Data;
using DineHub.Api.Orders;
using DineHub.Database;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>
/// Statements that belong together take place together or not at all, wherever they enter: the second is refused by a constraint, once through either gateway. On Citus one of
/// the two enters at a worker that does not hold the shard.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class TransactionTests(ClusterFixture fixture)
{
    public static TheoryData<string> Regions => ["eu-west-1", "us-east-1"];

    [Theory]
    [MemberData(nameof(Regions))]
    public async Task A_pause_whose_new_menu_version_is_refused_is_no_pause(string region)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        using var client = Client(region);
        await using (await RefusalAsync("menus", $"restaurant_id <> '{restaurant.Id}' OR version < 3"))
        {
            (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/pause", Pause(), client: client)).Expect(HttpStatusCode.InternalServerError);
            (await RowAsync("SELECT paused_until IS NULL AND version = 1 FROM kitchens WHERE restaurant_id = $1", restaurant.Id)).ShouldBe(true);
        }

        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/pause", Pause(), client: client)).Expect(HttpStatusCode.OK);
        (await RowAsync("SELECT paused_until IS NOT NULL AND version = 2 FROM kitchens WHERE restaurant_id = $1", restaurant.Id)).ShouldBe(true);
    }

    [Theory]
    [MemberData(nameof(Regions))]
    public async Task An_order_that_is_refused_takes_nothing_from_stock(string region)
    {
        var restaurant = await WithCakesAsync(5);
        using var client = Client(region);
        await using (await RefusalAsync("orders", $"restaurant_id <> '{restaurant.Id}'"))
        {
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 2)), client)).Expect(HttpStatusCode.InternalServerError);
            (await CakesAsync(restaurant)).ShouldBe(5);
        }

        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 2)), client)).Expect(HttpStatusCode.Created);
        (await CakesAsync(restaurant)).ShouldBe(3);
    }

    [Theory]
    [MemberData(nameof(Regions))]
    public async Task A_key_that_was_used_takes_from_stock_once(string region)
    {
        var restaurant = await WithCakesAsync(5);
        using var client = Client(region);
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), client, key)));
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.Created);
        answers.Select(answer => answer.Id).Distinct().Count().ShouldBe(1);
        (await CakesAsync(restaurant)).ShouldBe(4);
    }

    [Theory]
    [MemberData(nameof(Regions))]
    public async Task An_order_whose_stock_cannot_be_put_back_is_not_rejected(string region)
    {
        var restaurant = await WithCakesAsync(5);
        using var client = Client(region);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created);
        await using (await RefusalAsync("stock", $"restaurant_id <> '{restaurant.Id}' OR quantity < 5"))
        {
            (await RejectAsync(restaurant, order.Id, client)).Expect(HttpStatusCode.InternalServerError);
            (await RowAsync("SELECT status FROM orders WHERE restaurant_id = $1", restaurant.Id)).ShouldBe("Placed");
        }

        (await RejectAsync(restaurant, order.Id, client)).Expect(HttpStatusCode.OK);
        (await CakesAsync(restaurant)).ShouldBe(5);
    }

    [Fact]
    public async Task A_rejection_whose_commit_is_not_answered_is_answered_by_a_second_run_that_changes_nothing()
    {
        var restaurant = await WithCakesAsync(5);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 2)))).Expect(HttpStatusCode.Created);
        await using var way = new LossyWay(fixture.Cluster.Coordinator.Port);
        using var connections = ApiConnections.Create($"{fixture.Cluster.ApiConnectionString};Host=127.0.0.1;Port={way.Port};SSL Mode=Disable");
        var orders = new OrderStore(connections);
        (await orders.FindAsync(restaurant.Id, "Europe/Lisbon", order.Id, CancellationToken.None)).ShouldNotBeNull();
        way.Arm();
        var rejection = new OrderEvent(OrderStatus.Rejected, DateTimeOffset.UtcNow.ToMicroseconds(), OrderReason.TooBusy);
        var change = new OrderChange(rejection, [OrderStatus.Placed]);
        var rejected = await orders.TryAdvanceAsync(restaurant.Id, "Europe/Lisbon", order.Id, change, CancellationToken.None);

        way.HasLost.ShouldBeTrue();
        rejected.ShouldNotBeNull().Order.Status.ShouldBe(OrderStatus.Rejected);
        var now = await orders.FindAsync(restaurant.Id, "Europe/Lisbon", order.Id, CancellationToken.None);
        now!.Order.Version.ShouldBe(rejected.Order.Version);
        now.Order.History.ShouldBe(rejected.Order.History);
        (await CakesAsync(restaurant)).ShouldBe(5);
        (await orders.TryAdvanceAsync(restaurant.Id, "Europe/Lisbon", order.Id, change, CancellationToken.None)).ShouldBeNull("another request is refused");
    }

    [Fact]
    public async Task An_invitation_whose_member_is_refused_stays_open()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture, region: "us-east-1");
        var account = await fixture.SignUpAsync();
        var invitation = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurant.Id, account.Email, "Kitchen");
        await using (await RefusalAsync("staff", $"restaurant_id <> '{restaurant.Id}'"))
        {
            using var refused = await fixture.AcceptAsync(account, restaurant.Id, invitation);
            refused.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
            (await RowAsync("SELECT accepted_at IS NULL FROM invitations WHERE restaurant_id = $1", restaurant.Id)).ShouldBe(true);
        }

        using var accepted = await fixture.AcceptAsync(account, restaurant.Id, invitation);
        accepted.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static object Pause() => new { until = DateTimeOffset.UtcNow.AddHours(1), reason = "Fire" };

    private HttpClient Client(string region) => fixture.Cluster.CreateClient(fixture.Cluster.Gateway(region).Url);

    private async Task<TestRestaurant> WithCakesAsync(int quantity)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity })).Expect(HttpStatusCode.OK);
        return restaurant;
    }

    private static Task<TestRestaurant.Answer> RejectAsync(TestRestaurant restaurant, Guid order, HttpClient client) =>
        restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order}/status", new { status = "Rejected", reason = "TooBusy" }, client: client);

    private static async Task<int> CakesAsync(TestRestaurant restaurant) =>
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/stock")).Json.GetProperty("items")[0].GetProperty("quantity").GetInt32();

    private async Task<object?> RowAsync(string sql, Guid restaurant)
    {
        await using var dataSource = NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(restaurant);
        return await command.ExecuteScalarAsync();
    }

    private Task<Refusal> RefusalAsync(string table, string condition) => Refusal.MakeAsync(fixture, table, condition);

    /// <summary>A constraint that a test adds to a table, on Citus by the coordinator, on the stock engine on each worker.</summary>
    private sealed class Refusal(ClusterFixture fixture, string table, string name) : IAsyncDisposable
    {
        public static async Task<Refusal> MakeAsync(ClusterFixture fixture, string table, string condition)
        {
            var refusal = new Refusal(fixture, table, "refused_" + Guid.NewGuid().ToString("n"));
            await refusal.AlterAsync($"ADD CONSTRAINT {refusal.Name} CHECK ({condition}) NOT VALID");
            return refusal;
        }

        private string Name => name;

        public async ValueTask DisposeAsync() => await AlterAsync($"DROP CONSTRAINT {Name}");

        private async Task AlterAsync(string change)
        {
            foreach (var server in TestEngine.IsCitus ? [fixture.Cluster.Coordinator] : fixture.Cluster.Workers)
            {
                await using var dataSource = NpgsqlDataSource.Create(server.AdminConnectionString("dinehub") + ";Pooling=false");
                await using var command = dataSource.CreateCommand($"ALTER TABLE {table} {change}");
                await command.ExecuteNonQueryAsync();
            }
        }
    }
}
