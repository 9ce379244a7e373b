using System.Net;
using DineHub.Api;
using DineHub.Api.Accounts;
using DineHub.Api.Data;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using DineHub.Database;
using DineHub.Database.Connections;
using DineHub.Tests.Cluster;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace DineHub.Tests.Statements;

/// <summary>Asks for everything that the API does, so that each of its statements is executed at least once.</summary>
/// <param name="fixture">The cluster, through the recorded replica.</param>
/// <param name="services">That replica's services.</param>
/// <param name="recorder">What it records.</param>
internal sealed class StatementWalk(ClusterFixture fixture, IServiceProvider services, StatementRecorder recorder)
{
    private const string Accounts = "/api/v1/accounts";
    private const string Me = Accounts + "/me";

    // The password hasher of ASP.NET Core 3.
    private const int FormerIterations = 10_000;
    private const int TriesUntilLocked = 6;

    private string Operator => fixture.Cluster.OperatorKey;

    public async Task RunAsync()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        await DirectoryAsync(restaurant);
        await MenuAsync(restaurant);
        await OrdersAsync(restaurant);
        await StockAsync(restaurant);
        await KitchenAsync(restaurant);
        await ReportsAsync(restaurant);
        await AccountsAsync();
        await StaffAsync(restaurant);
        await UpkeepAsync(restaurant);
        await KeysAsync();
        (await fixture.Eu.GetAsync("/health/ready")).EnsureSuccessStatusCode().Dispose();
    }

    private async Task DirectoryAsync(TestRestaurant restaurant)
    {
        await GetAsync("/api/v1/restaurants?limit=5&text=kitchen&cuisine=burgers");
        await GetAsync("/api/v1/restaurants?near=38.72,-9.14&radius=5000");
        await GetAsync(restaurant.Path);
        await GetAsync(restaurant.Path + "/slots");
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "", TestRestaurant.Profile(), ifMatch: "*")).Expect(HttpStatusCode.OK);
        (await restaurant.AsOperatorAsync(HttpMethod.Post, "/close")).Expect(HttpStatusCode.OK);
        (await restaurant.AsOperatorAsync(HttpMethod.Post, "/reopen")).Expect(HttpStatusCode.OK);
    }

    private static async Task MenuAsync(TestRestaurant restaurant)
    {
        await restaurant.MenuAsync();
        foreach (var what in new[] { "fries", "burger/options/large" })
        {
            await restaurant.AsOperatorAsync(HttpMethod.Put, $"/menu/items/{what}/unavailable", new { });
            await restaurant.AsOperatorAsync(HttpMethod.Delete, $"/menu/items/{what}/unavailable");
        }
    }

    private async Task OrdersAsync(TestRestaurant restaurant)
    {
        var customer = await fixture.SignUpAsync();
        var basket = TestRestaurant.Basket(("burger", 1));
        (await restaurant.QuoteAsync(basket)).Expect(HttpStatusCode.OK);
        var key = Guid.NewGuid().ToString();
        var order = (await restaurant.PlaceAsync(basket, key: key, token: customer.AccessToken)).Expect(HttpStatusCode.Created);
        (await restaurant.PlaceAsync(basket, key: key, token: customer.AccessToken)).Expect(HttpStatusCode.Created).Id.ShouldBe(order.Id);
        await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders?status=Placed");
        await GetAsync(TestAccounts.Order(restaurant.Id, order.Id), customer.AccessToken);
        await using (await EventStream.OpenAsync(fixture.Eu, TestAccounts.Order(restaurant.Id, order.Id) + "/events", customer.AccessToken))
        {
            await Eventually.TrueAsync(() => recorder.HasSeen("updated_at > $2"), "the changes of orders were asked for");
        }

        await GetAsync(Me + "/orders", customer.AccessToken);
        await restaurant.AdvanceAsync(order.Id, "Accepted");
        (await restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order.Id}/bump", ifMatch: "*")).Expect(HttpStatusCode.OK);
        await restaurant.AdvanceAsync(order.Id, "Ready");
        await restaurant.AdvanceAsync(order.Id, "Completed");
        await fixture.Eu.JsonAsync(HttpMethod.Delete, TestAccounts.Order(restaurant.Id, order.Id) + "/personal-data", customer.AccessToken);
    }

    private async Task StockAsync(TestRestaurant restaurant)
    {
        const string Fries = "/stock/fries";
        await restaurant.AsOperatorAsync(HttpMethod.Put, Fries, new { quantity = 5, lowMark = 1 });
        await restaurant.AsOperatorAsync(HttpMethod.Put, Fries, new { quantity = 6, lowMark = 1 });
        await restaurant.AsOperatorAsync(HttpMethod.Get, "/stock");
        await restaurant.MenuAsync();
        var customer = await fixture.SignUpAsync();
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 2)), token: customer.AccessToken)).Expect(HttpStatusCode.Created);
        await fixture.Eu.JsonAsync(HttpMethod.Post, TestAccounts.Order(restaurant.Id, order.Id) + "/cancel", customer.AccessToken);
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/stock")).Text.ShouldContain("6");
        await restaurant.AsOperatorAsync(HttpMethod.Delete, Fries);
    }

    private async Task KitchenAsync(TestRestaurant restaurant)
    {
        var until = new { until = DateTimeOffset.UtcNow.AddHours(1) };
        await restaurant.AsOperatorAsync(HttpMethod.Get, "/kitchen");
        await SetAndClearAsync("/kitchen/busy");

        // More than once: the upkeep of another replica may copy a pause first.
        await Eventually.TrueAsync(
            async () =>
            {
                await SetAndClearAsync("/kitchen/pause");
                return recorder.HasSeen("SET paused_until = $2") && recorder.HasSeen("SET listed_version = $2");
            },
            "a pause was copied to the directory");
        await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/capacity", new { parallelOrders = 4, busyMinutes = 15 });
        await using var stream = await EventStream.OpenAsync(fixture.Eu, restaurant.Path + "/kitchen/events", Operator);

        async Task SetAndClearAsync(string what)
        {
            (await restaurant.AsOperatorAsync(HttpMethod.Put, what, until)).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NoContent);
            (await restaurant.AsOperatorAsync(HttpMethod.Delete, what)).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NoContent);
        }
    }

    private async Task ReportsAsync(TestRestaurant restaurant)
    {
        foreach (var report in new[] { "sales", "best-sellers", "stages", "orders.csv" })
        {
            using var response = await fixture.Eu.SendAsync(HttpMethod.Get, $"{restaurant.Path}/reports/{report}", Operator);
            response.EnsureSuccessStatusCode();
        }
    }

    private async Task AccountsAsync()
    {
        var customer = await fixture.SignUpAsync();
        await GetAsync(Me, customer.AccessToken);
        await fixture.Eu.JsonAsync(HttpMethod.Put, Me, customer.AccessToken, new { name = "Ada Byron" });
        await GetAsync(Me + "/export", customer.AccessToken);

        // A hash with old parameters is replaced at the next sign-in.
        var former = new PasswordHasher<StoredAccount>(Options.Create(new PasswordHasherOptions { IterationCount = FormerIterations }));
        await AsAdministratorAsync("UPDATE accounts SET password_hash = $2 WHERE account_id = $1", customer.Id, former.HashPassword(null!, customer.Password));
        await fixture.SignInAsync(customer.Email, customer.Password);

        for (var i = 0; i < TriesUntilLocked; i++)
        {
            using var wrong = await fixture.Eu.SendAsync(HttpMethod.Post, Accounts + "/sign-in", body: new { customer.Email, password = "a wrong password" });
            wrong.IsSuccessStatusCode.ShouldBeFalse();
        }

        var other = await fixture.SignUpAsync();
        (await fixture.Eu.SendAsync(HttpMethod.Put, "/api/v1/operators/" + other.Email, Operator)).EnsureSuccessStatusCode().Dispose();
        (await fixture.Eu.SendAsync(HttpMethod.Delete, "/api/v1/operators/" + other.Email, Operator)).EnsureSuccessStatusCode().Dispose();
        var changed = other with { Password = "another password" };
        await fixture.Eu.JsonAsync(HttpMethod.Put, Me + "/password", other.AccessToken, new { other.Password, newPassword = changed.Password });
        var (access, _) = await fixture.SignInAsync(changed.Email, changed.Password);
        await fixture.Eu.JsonAsync(HttpMethod.Post, Me + "/sign-out-everywhere", access);
    }

    private async Task StaffAsync(TestRestaurant restaurant)
    {
        var invitation = await fixture.InviteAsync(Operator, restaurant.Id, "carla@example.org", "Manager");
        await restaurant.AsOperatorAsync(HttpMethod.Get, "/staff");
        (await restaurant.AsOperatorAsync(HttpMethod.Delete, $"/staff/invitations/{invitation.Id}")).Expect(HttpStatusCode.NoContent);
        var cook = await fixture.SignUpStaffAsync(restaurant.Id, "Kitchen");
        (await restaurant.AsOperatorAsync(HttpMethod.Delete, $"/staff/{cook.Id}")).Expect(HttpStatusCode.NoContent);
        var leaving = await fixture.SignUpStaffAsync(restaurant.Id, "Manager");
        await fixture.Eu.JsonAsync(HttpMethod.Post, Me + "/erase", leaving.AccessToken, new { leaving.Password });
    }

    // By the services themselves: the upkeep of the cluster's own replicas may get there first.
    private async Task UpkeepAsync(TestRestaurant restaurant)
    {
        var orders = services.GetRequiredService<OrderStore>();
        var now = DateTimeOffset.UtcNow;
        (await services.GetRequiredService<RestaurantDirectory>().ListIdsAsync(CancellationToken.None)).ShouldContain(restaurant.Id);
        await orders.ListOverdueAsync(restaurant.Id, now, 1, CancellationToken.None);
        await orders.ListUnlistedAsync(restaurant.Id, now, 1, CancellationToken.None);
        await orders.SetListedAsync(restaurant.Id, [Guid.NewGuid()], CancellationToken.None);

        // After a commit whose answer was lost.
        var change = new OrderChange(new OrderEvent(OrderStatus.Accepted, now), [OrderStatus.Placed]);
        await services.GetRequiredService<ApiConnections>().TransactAsync(
            (connection, ct) => OrderStore.IsAdvancedAsync(connection, restaurant.Id, Guid.NewGuid(), change, ct), CancellationToken.None);
    }

    // One that nothing ever uses. Reading what there is comes first.
    private async Task KeysAsync()
    {
        var keys = services.GetRequiredService<IKeyManager>();
        keys.GetAllKeys().ShouldNotBeEmpty();
        var activation = DateTimeOffset.UtcNow.AddYears(50);
        await Task.Run(() => keys.CreateNewKey(activation, activation.AddMinutes(1)));
    }

    private async Task GetAsync(string path, string? token = null) => await fixture.Eu.JsonAsync(HttpMethod.Get, path, token);

    private async Task AsAdministratorAsync(string sql, params object[] parameters)
    {
        await using var coordinator = await fixture.Database().OpenCoordinatorAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, coordinator);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
    }
}
