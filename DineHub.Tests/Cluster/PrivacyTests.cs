using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class PrivacyTests(ClusterFixture fixture) : IAsyncLifetime
{
    private const string Accounts = "/api/v1/accounts";
    private const string Me = Accounts + "/me";

    // What an order of TestAccounts.OrderAsync says of a person.
    private static readonly string[] Personal = ["Ada Lovelace", "555 0199", "Private Lane", "38.7226", "-9.139", "private salt", "private bell"];

    private readonly Npgsql.NpgsqlDataSource dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await dataSource.DisposeAsync();

    [Fact]
    public async Task A_customers_orders_are_listed_from_all_workers_and_without_their_stage_while_one_is_lost()
    {
        var customer = await fixture.SignUpAsync();
        var (lost, kept, worker) = await RestaurantsAsync(customer);
        var placed = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            placed.Insert(0, IdOf(await fixture.OrderAsync(i % 2 == 0 ? lost : kept, customer.AccessToken)));
        }

        await fixture.OrderAsync(kept, token: null);
        await fixture.OrderAsync(kept, (await fixture.SignUpAsync()).AccessToken);

        var pages = new List<JsonElement>();
        string? cursor = null;
        do
        {
            pages.Add(await fixture.Us.JsonAsync(HttpMethod.Get, $"{Me}/orders?limit=2{(cursor is null ? "" : "&cursor=" + cursor)}", customer.AccessToken));
            cursor = pages[^1].TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        pages.Select(page => page.GetProperty("items").GetArrayLength()).ShouldBe([2, 2, 1]);
        pages.SelectMany(Ids).ShouldBe(placed);
        pages.SelectMany(Items).ShouldAllBe(item => item.GetProperty("status").GetString() == "Placed" && item.GetProperty("total").GetInt64() == TestAccounts.DeliveredTotal);

        await fixture.Cluster.Node(worker).KillAsync();
        try
        {
            var page = await ListAsync(customer);
            Ids(page).ShouldBe(placed);
            foreach (var item in Items(page))
            {
                item.TryGetProperty("status", out _).ShouldBe(item.GetProperty("restaurantId").GetGuid() == kept);
            }

            // All of it or nothing.
            using var export = await fixture.Eu.SendAsync(HttpMethod.Get, Me + "/export", customer.AccessToken);
            export.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        }
        finally
        {
            await fixture.Cluster.Node(worker).StartAsync(CancellationToken.None);
        }

        await Eventually.TrueAsync(async () => Items(await ListAsync(customer)).All(item => item.TryGetProperty("status", out _)), "every order has its stage again");
    }

    [Fact]
    public async Task An_export_holds_the_account_and_every_order_whole()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var customer = await fixture.SignUpAsync();
        var first = IdOf(await fixture.OrderAsync(restaurantId, customer.AccessToken));
        var second = IdOf(await fixture.OrderAsync(restaurantId, customer.AccessToken));
        var export = await fixture.Eu.JsonAsync(HttpMethod.Get, Me + "/export", customer.AccessToken);
        export.GetProperty("account").GetProperty("email").GetString().ShouldBe(customer.Email);
        export.GetProperty("account").GetProperty("phone").GetString().ShouldBe("+353 1 555 0100");
        var orders = export.GetProperty("orders").EnumerateArray().ToList();
        orders.Select(IdOf).ShouldBe([second, first]);
        foreach (var said in Personal)
        {
            orders.ShouldAllBe(order => order.ToString().Contains(said, StringComparison.Ordinal));
        }

        export.ToString().ShouldNotContain("password", Case.Insensitive);
    }

    [Fact]
    public async Task Erasing_an_account_waits_for_its_orders_and_leaves_nothing_of_the_person()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var customer = await fixture.HireAsync(await fixture.SignUpAsync(), restaurantId, "Kitchen");
        var order = await fixture.OrderAsync(restaurantId, customer.AccessToken);
        var orderId = IdOf(order);
        using (var early = await fixture.Eu.SendAsync(HttpMethod.Post, Me + "/erase", customer.AccessToken, new { customer.Password }))
        {
            early.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await early.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString().ShouldBe("OrderOnItsWay");
        }

        (await RowAsync(restaurantId, orderId)).ShouldContain(Personal[0]);
        await fixture.CompleteAsync(restaurantId, orderId);
        await fixture.Eu.JsonAsync(HttpMethod.Post, Me + "/erase", customer.AccessToken, new { customer.Password });

        await ShouldBeErasedAsync(restaurantId, order);
        foreach (var table in new[] { "accounts", "memberships", "account_orders", "sign_in_attempts" })
        {
            (await CountAsync($"SELECT count(*) FROM {table} WHERE account_id = $1", customer.Id)).ShouldBe(0, table);
        }

        foreach (var table in new[] { "staff", "invitations" })
        {
            (await CountAsync($"SELECT count(*) FROM {table} WHERE restaurant_id = $1", restaurantId)).ShouldBe(0, table);
        }

        // Its tokens stay invalid, also after a new registration of the address.
        await ShouldBeGoneAsync(customer, HttpStatusCode.Unauthorized);
        using (var signIn = await fixture.Eu.SendAsync(HttpMethod.Post, Accounts + "/sign-in", body: new { customer.Email, customer.Password }))
        {
            signIn.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        var successor = await fixture.SignUpAsync(customer.Email);
        Items(await ListAsync(successor)).ShouldBeEmpty();
        using var refresh = await fixture.Eu.SendAsync(HttpMethod.Post, Accounts + "/refresh", body: new { customer.RefreshToken });
        refresh.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Erasing_an_account_takes_its_password()
    {
        var customer = await fixture.SignUpAsync();
        using (var missing = await fixture.Eu.SendAsync(HttpMethod.Post, Me + "/erase", customer.AccessToken, new { }))
        {
            missing.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }

        using (var wrong = await fixture.Eu.SendAsync(HttpMethod.Post, Me + "/erase", customer.AccessToken, new { password = "wrong password" }))
        {
            wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        await fixture.SignInAsync(customer.Email, customer.Password);
    }

    [Fact]
    public async Task A_guest_erases_the_person_from_an_order_that_is_over_by_its_token()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var order = await fixture.OrderAsync(restaurantId, token: null);
        var token = order.GetProperty("trackingToken").GetString();
        (await EraseAsync("wrong")).ShouldBe(HttpStatusCode.NotFound);
        (await EraseAsync(null)).ShouldBe(HttpStatusCode.NotFound);
        (await EraseAsync(token)).ShouldBe(HttpStatusCode.Conflict);
        await fixture.CompleteAsync(restaurantId, IdOf(order));
        (await EraseAsync(token)).ShouldBe(HttpStatusCode.NoContent);
        (await EraseAsync(token)).ShouldBe(HttpStatusCode.NoContent, "asking again does no harm");
        await ShouldBeErasedAsync(restaurantId, order);

        async Task<HttpStatusCode> EraseAsync(string? trackingToken)
        {
            using var request = TestAccounts.Request(HttpMethod.Delete, TestAccounts.Order(restaurantId, IdOf(order)) + "/personal-data");
            if (trackingToken is not null)
            {
                request.Headers.Add("Tracking-Token", trackingToken);
            }

            using var response = await fixture.Eu.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_customers_order_is_read_and_cancelled_by_the_customer_and_by_no_other_account()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var customer = await fixture.SignUpAsync();
        var stranger = await fixture.SignUpAsync();
        var order = TestAccounts.Order(restaurantId, IdOf(await fixture.OrderAsync(restaurantId, customer.AccessToken)));
        foreach (var (method, path) in new[] { (HttpMethod.Get, order), (HttpMethod.Post, order + "/cancel"), (HttpMethod.Delete, order + "/personal-data") })
        {
            using var refused = await fixture.Eu.SendAsync(method, path, stranger.AccessToken);
            refused.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        await fixture.Eu.JsonAsync(HttpMethod.Get, order, customer.AccessToken);
        (await fixture.Eu.JsonAsync(HttpMethod.Post, order + "/cancel", customer.AccessToken)).GetProperty("status").GetString().ShouldBe("Cancelled");
        await fixture.Eu.JsonAsync(HttpMethod.Delete, order + "/personal-data", customer.AccessToken);
    }

    [Fact]
    public async Task An_order_that_could_not_be_listed_when_it_was_placed_is_listed_by_itself()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var customer = await fixture.SignUpAsync();
        var orderId = IdOf(await fixture.OrderAsync(restaurantId, customer.AccessToken));
        await UnlistAsync(customer, restaurantId, orderId);
        Items(await ListAsync(customer)).ShouldBeEmpty();
        await AgeAsync(restaurantId, orderId);
        await Eventually.TrueAsync(async () => Ids(await ListAsync(customer)).SequenceEqual([orderId]), "upkeep lists the order");
    }

    [Fact]
    public async Task An_order_that_was_not_listed_when_its_account_was_erased_is_erased_when_it_is_over()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var customer = await fixture.SignUpAsync();
        var order = await fixture.OrderAsync(restaurantId, customer.AccessToken);
        await UnlistAsync(customer, restaurantId, IdOf(order));
        await fixture.Eu.JsonAsync(HttpMethod.Post, Me + "/erase", customer.AccessToken, new { customer.Password });
        await AgeAsync(restaurantId, IdOf(order));
        await fixture.CompleteAsync(restaurantId, IdOf(order));
        await Eventually.TrueAsync(
            async () => !(await RowAsync(restaurantId, IdOf(order))).Contains(Personal[0], StringComparison.Ordinal), "upkeep erases the order");
        await ShouldBeErasedAsync(restaurantId, order);
    }

    private async Task ShouldBeErasedAsync(Guid restaurantId, JsonElement order)
    {
        var row = await RowAsync(restaurantId, IdOf(order));
        Personal.Where(said => row.Contains(said, StringComparison.Ordinal)).ShouldBeEmpty();
        JsonDocument.Parse(row).RootElement.GetProperty("account_id").ValueKind.ShouldBe(JsonValueKind.Null);

        var kept = await fixture.Eu.JsonAsync(HttpMethod.Get, TestAccounts.Order(restaurantId, IdOf(order)), fixture.Cluster.OperatorKey);
        foreach (var amount in new[] { "subtotal", "tax", "deliveryFee", "tip", "total" })
        {
            kept.GetProperty(amount).GetInt64().ShouldBe(order.GetProperty(amount).GetInt64(), amount);
        }

        kept.GetProperty("lines")[0].GetProperty("itemId").GetString().ShouldBe(TestAccounts.Item);
        kept.GetProperty("fulfilment").GetProperty("type").GetString().ShouldBe("Delivery");
        kept.GetProperty("history").EnumerateArray().Select(stage => stage.GetProperty("status").GetString())
            .ShouldBe(["Placed", "Accepted", "Preparing", "Ready", "Completed"]);
    }

    private async Task ShouldBeGoneAsync(TestAccount account, HttpStatusCode status)
    {
        foreach (var path in new[] { Me, Me + "/export" })
        {
            using var response = await fixture.Us.SendAsync(HttpMethod.Get, path, account.AccessToken);
            response.StatusCode.ShouldBe(status, path);
        }
    }

    // On two workers, neither of which holds the account: losing the account's own would leave nothing to look at.
    private async Task<(Guid Lost, Guid Kept, string Worker)> RestaurantsAsync(TestAccount customer)
    {
        const string Anywhere = "antarctica-1";
        var own = await fixture.WorkerOfAsync(customer.Id);
        var lost = await fixture.CreateRestaurantAsync(Anywhere);
        while (await fixture.WorkerOfAsync(lost) == own)
        {
            lost = await fixture.CreateRestaurantAsync(Anywhere);
        }

        var worker = await fixture.WorkerOfAsync(lost);
        var kept = await fixture.CreateRestaurantAsync(Anywhere);
        while (await fixture.WorkerOfAsync(kept) is var its && (its == own || its == worker))
        {
            kept = await fixture.CreateRestaurantAsync(Anywhere);
        }

        return (lost, kept, worker);
    }

    // As if the account's shard had not answered when the order was placed.
    private async Task UnlistAsync(TestAccount customer, Guid restaurantId, Guid orderId)
    {
        await using var unlist = dataSource.CreateCommand("DELETE FROM account_orders WHERE account_id = $1 AND restaurant_id = $2 AND order_id = $3");
        unlist.Parameters.AddWithValue(customer.Id);
        unlist.Parameters.AddWithValue(restaurantId);
        unlist.Parameters.AddWithValue(orderId);
        (await unlist.ExecuteNonQueryAsync()).ShouldBe(1);
    }

    // As if it had been placed some time ago: upkeep leaves the latest orders to the requests that placed them.
    private async Task AgeAsync(Guid restaurantId, Guid orderId)
    {
        await using var age = dataSource.CreateCommand(
            "UPDATE orders SET listed = false, placed_at = $3 WHERE restaurant_id = $1 AND id = $2");
        age.Parameters.AddWithValue(restaurantId);
        age.Parameters.AddWithValue(orderId);
        age.Parameters.AddWithValue(DateTimeOffset.UtcNow.AddMinutes(-1));
        (await age.ExecuteNonQueryAsync()).ShouldBe(1);
    }

    private async Task<string> RowAsync(Guid restaurantId, Guid orderId)
    {
        await using var command = dataSource.CreateCommand("SELECT row_to_json(o)::text FROM orders o WHERE o.restaurant_id = $1 AND o.id = $2");
        command.Parameters.AddWithValue(restaurantId);
        command.Parameters.AddWithValue(orderId);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private async Task<long> CountAsync(string sql, Guid id)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(id);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private Task<JsonElement> ListAsync(TestAccount account) => fixture.Eu.JsonAsync(HttpMethod.Get, Me + "/orders", account.AccessToken);

    private static IEnumerable<JsonElement> Items(JsonElement page) => page.GetProperty("items").EnumerateArray();

    private static IEnumerable<Guid> Ids(JsonElement page) => Items(page).Select(item => item.GetProperty("orderId").GetGuid());

    private static Guid IdOf(JsonElement order) => order.GetProperty("id").GetGuid();
}
