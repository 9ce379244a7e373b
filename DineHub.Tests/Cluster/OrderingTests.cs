using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class OrderingTests(ClusterFixture fixture)
{
    private const string Lucia = "trattoria-lucia";

    [Theory]
    [InlineData("eu-west-1")]
    [InlineData("us-east-1")]
    public async Task An_order_can_be_placed_and_read_through_each_gateway(string region)
    {
        var client = region == "eu-west-1" ? fixture.Eu : fixture.Us;
        using var response = await ClusterFixture.PlaceAsync(client, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.GetValues("X-DineHub-Region").ShouldBe([region]);
        response.Headers.ETag!.Tag.ShouldBe("\"1\"");
        response.Content.Headers.ContentLength.ShouldNotBeNull("an answer is sent whole or not at all");
        var order = await response.Content.ReadFromJsonAsync<JsonElement>();
        order.GetProperty("total").GetInt64().ShouldBe(3500);
        order.GetProperty("tax").GetInt64().ShouldBe(417);
        order.GetProperty("currency").GetString().ShouldBe("EUR");
        order.GetProperty("status").GetString().ShouldBe("Placed");

        using var read = await ReadAsync(fixture.Us, response.Headers.Location!.ToString(), order.GetProperty("trackingToken").GetString());
        read.StatusCode.ShouldBe(HttpStatusCode.OK);
        JsonElement.DeepEquals(await read.Content.ReadFromJsonAsync<JsonElement>(), order).ShouldBeTrue();
    }

    [Fact]
    public async Task The_same_key_from_20_clients_at_once_is_one_order()
    {
        var before = await fixture.CountOrdersAsync(Lucia);
        var key = Guid.NewGuid().ToString();
        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            ClusterFixture.PlaceAsync(i % 2 == 0 ? fixture.Eu : fixture.Us, fixture.OrdersOf(Lucia), ClusterFixture.Basket(), key)));
        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.Created);
        (await Task.WhenAll(responses.Select(response => response.Content.ReadAsStringAsync()))).Distinct().ShouldHaveSingleItem();
        responses.Count(response => !response.Headers.Contains("Idempotency-Replayed")).ShouldBe(1);
        (await fixture.CountOrdersAsync(Lucia)).ShouldBe(before + 1);
    }

    [Fact]
    public async Task The_same_key_gives_the_first_answer_even_after_the_order_has_moved_on()
    {
        var key = Guid.NewGuid().ToString();
        using var first = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket(), key);
        using var accepted = await ChangeAsync(first.Headers.Location!.ToString(), new { status = "Accepted" });
        accepted.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var again = await ClusterFixture.PlaceAsync(fixture.Us, fixture.OrdersOf(Lucia), ClusterFixture.Basket(), key);
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await again.Content.ReadAsStringAsync()).ShouldBe(await first.Content.ReadAsStringAsync());
        again.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_422()
    {
        var key = Guid.NewGuid().ToString();
        using var first = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket(), key);
        using var other = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket(quantity: 3), key);
        other.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await ReasonAsync(other)).ShouldBe("IdempotencyKeyReused");
    }

    [Fact]
    public async Task A_total_that_the_customer_was_not_shown_is_refused_with_the_right_one()
    {
        using var response = await PostAsync(
            fixture.OrdersOf(Lucia),
            """{"fulfilment":{"type":"Pickup"},"customer":{"name":"Ada"},"lines":[{"itemId":"still-water","quantity":1}],"expectedTotal":299}""");
        response.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("reason").GetString().ShouldBe("TotalChanged");
        problem.GetProperty("total").GetInt64().ShouldBe(300);
    }

    [Fact]
    public async Task A_menu_that_changes_while_a_replica_keeps_its_copy_sells_at_the_new_price()
    {
        const string Slug = "waterlelie";
        (await fixture.Eu.GetAsync($"/api/v1/restaurants/{fixture.IdOf(Slug)}/menu")).EnsureSuccessStatusCode().Dispose();
        await using var worker = Npgsql.NpgsqlDataSource.Create(
            fixture.Cluster.Workers.Single(node => node.Name == fixture.Restaurants[Slug].Worker).AdminConnectionString("dinehub"));
        await using var change = worker.CreateCommand(
            """
            UPDATE menus SET version = version + 1, document = replace(document::text, '"price": 400', '"price": 4321')::jsonb WHERE restaurant_id = $1
            """);
        change.Parameters.AddWithValue(fixture.IdOf(Slug));
        (await change.ExecuteNonQueryAsync()).ShouldBe(1);

        using var response = await PostAsync(
            fixture.OrdersOf(Slug), """{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"krupuk-bowl","quantity":1}]}""");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var order = await response.Content.ReadFromJsonAsync<JsonElement>();
        order.GetProperty("menuVersion").GetInt32().ShouldBe(2);
        order.GetProperty("total").GetInt64().ShouldBe(4321);
    }

    [Fact]
    public async Task An_order_is_readable_with_its_token_or_by_staff_only()
    {
        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
        var path = placed.Headers.Location!.ToString();
        foreach (var token in new[] { null, "", "wrong" })
        {
            using var refused = await ReadAsync(fixture.Eu, path, token);
            refused.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        using var request = fixture.StaffRequest(HttpMethod.Get, path);
        using var staff = await fixture.Eu.SendAsync(request);
        staff.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_order_walks_through_its_stages_and_only_those()
    {
        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
        var path = placed.Headers.Location!.ToString();
        using (var early = await ChangeAsync(path, new { status = "Ready" }))
        {
            early.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await ReasonAsync(early)).ShouldBe("IllegalTransition");
        }

        using (var stale = await ChangeAsync(path, new { status = "Accepted" }, ifMatch: "\"7\""))
        {
            stale.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        }

        foreach (var (status, version) in new[] { ("Accepted", 1), ("Preparing", 2), ("Ready", 3), ("Completed", 4) })
        {
            using var response = await ChangeAsync(path, new { status }, ifMatch: $"\"{version}\"");
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        using var request = fixture.StaffRequest(HttpMethod.Get, path);
        using var read = await fixture.Us.SendAsync(request);
        var order = await read.Content.ReadFromJsonAsync<JsonElement>();
        order.GetProperty("history").EnumerateArray().Select(stage => stage.GetProperty("status").GetString())
            .ShouldBe(["Placed", "Accepted", "Preparing", "Ready", "Completed"]);
        using var late = await ChangeAsync(path, new { status = "Cancelled", reason = "Other" });
        late.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Of_many_who_accept_at_once_one_does()
    {
        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
        var path = placed.Headers.Location!.ToString();
        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ChangeAsync(path, new { status = "Accepted" })));
        responses.Select(response => response.StatusCode).Order()
            .ShouldBe([HttpStatusCode.OK, .. Enumerable.Repeat(HttpStatusCode.Conflict, 7)]);
    }

    [Fact]
    public async Task A_change_of_stage_requires_the_key()
    {
        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, fixture.OrdersOf(Lucia), ClusterFixture.Basket());
        foreach (var authorization in new[] { null, new AuthenticationHeaderValue("Bearer", "wrong"), new AuthenticationHeaderValue("Basic", fixture.Cluster.OperatorKey) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, placed.Headers.Location + "/status") { Content = JsonContent.Create(new { status = "Accepted" }) };
            request.Headers.Authorization = authorization;
            using var response = await fixture.Eu.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            response.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
        }
    }

    [Theory]
    [InlineData("""{"fulfilment":""", "fulfilment")]
    [InlineData("{", "body")]
    [InlineData("", "body")]
    [InlineData("null", "body")]
    [InlineData("[]", "body")]
    [InlineData("""{"fulfilment":{"type":"Teleport"}}""", "fulfilment.type")]
    [InlineData("""{"fulfilment":{"type":1}}""", "fulfilment.type")]
    [InlineData("""{"lines":[{"itemId":"still-water","quantity":"2"}]}""", "lines[0].quantity")]
    [InlineData("""{"lines":[{"itemId":"still-water","quantity":1e99}]}""", "lines[0].quantity")]
    [InlineData("""{"lines":[],"lines":[]}""", "lines")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[]}""", "lines")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":0}]}""", "lines[0].quantity")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":-1}]}""", "lines[0].quantity")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":1000000}]}""", "lines[0].quantity")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"quantity":1}]}""", "lines[0].itemId")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[null]}""", "lines[0]")]
    [InlineData("""{"fulfilment":{"type":"Table"},"lines":[{"itemId":"still-water","quantity":1}]}""", "fulfilment.table")]
    [InlineData("""{"fulfilment":{"type":"Pickup"},"lines":[{"itemId":"still-water","quantity":1}]}""", "customer.name")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":1,"note":"a\u0000b"}]}""", "lines[0].note")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":1,"options":["a","a"]}]}""", "lines[0].options")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"still-water","quantity":1}],"expectedTotal":-1}""", "expectedTotal")]
    public Task A_malformed_order_is_400_names_the_field_and_stores_nothing(string body, string field) =>
        RefusedAsync(HttpStatusCode.BadRequest, field, () => PostAsync(fixture.OrdersOf(Lucia), body));

    [Theory]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"unicorn","quantity":1}]}""", "lines[0].itemId")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"margherita","quantity":1}]}""", "lines[0].options")]
    [InlineData("""{"fulfilment":{"type":"Table","table":"1"},"lines":[{"itemId":"margherita","quantity":1,"options":["regular","gold"]}]}""", "lines[0].options")]
    public Task An_order_that_does_not_fit_the_menu_is_422_names_the_field_and_stores_nothing(string body, string field) =>
        RefusedAsync(HttpStatusCode.UnprocessableEntity, field, () => PostAsync(fixture.OrdersOf(Lucia), body));

    [Fact]
    public Task A_wrong_content_type_is_415() =>
        RefusedAsync(HttpStatusCode.UnsupportedMediaType, "Content-Type", () => PostAsync(fixture.OrdersOf(Lucia), "{}", contentType: "text/plain"));

    [Fact]
    public Task A_body_of_10_MB_is_413() =>
        RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "body", () => PostAsync(fixture.OrdersOf(Lucia), new string('x', 10_000_000)));

    [Theory]
    [InlineData(null)]
    [InlineData("two words")]
    [InlineData("long")]
    public Task A_missing_or_bad_key_is_400(string? key) =>
        RefusedAsync(HttpStatusCode.BadRequest, "Idempotency-Key", () => PostAsync(fixture.OrdersOf(Lucia), "{}", key: key == "long" ? new string('k', 256) : key));

    [Fact]
    public async Task Unknown_restaurants_are_404()
    {
        var nowhere = $"/api/v1/restaurants/{Guid.NewGuid()}";
        foreach (var path in new[] { nowhere, nowhere + "/menu", $"{nowhere}/orders/{Guid.NewGuid()}", "/api/v1/restaurants/x/menu" })
        {
            using var response = await fixture.Eu.GetAsync(path);
            response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        }

        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, nowhere + "/orders", ClusterFixture.Basket());
        placed.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_directory_pages_through_every_restaurant_once()
    {
        var seen = new List<(string Name, Guid Id)>();
        string? cursor = null;
        do
        {
            var page = await fixture.Us.GetFromJsonAsync<JsonElement>($"/api/v1/restaurants?limit=5{(cursor is null ? "" : "&cursor=" + cursor)}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(restaurant => (restaurant.GetProperty("name").GetString()!, restaurant.GetProperty("id").GetGuid())));
            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        fixture.Restaurants.Values.Select(restaurant => restaurant.Id).ShouldBeSubsetOf(seen.Select(restaurant => restaurant.Id));
        seen.Select(restaurant => restaurant.Name).ShouldBe(seen.Select(restaurant => restaurant.Name).Order(StringComparer.Ordinal));
        seen.Select(restaurant => restaurant.Id).ShouldBeUnique();
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("cursor=%21", "cursor")]
    public Task A_bad_page_is_400(string query, string field) =>
        RefusedAsync(HttpStatusCode.BadRequest, field, () => fixture.Eu.GetAsync("/api/v1/restaurants?" + query));

    [Fact]
    public async Task An_unchanged_menu_is_304()
    {
        var path = $"/api/v1/restaurants/{fixture.IdOf(Lucia)}/menu";
        using var first = await fixture.Eu.GetAsync(path);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await fixture.Us.SendAsync(request);
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        second.Headers.ETag.ShouldBe(first.Headers.ETag);
    }

    [Fact]
    public async Task The_contract_is_served_as_OpenAPI_3_1_without_addresses_of_replicas()
    {
        var document = await fixture.Eu.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        document.GetProperty("openapi").GetString().ShouldStartWith("3.1");
        document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ShouldContain("/api/v1/restaurants/{restaurantId}/orders");
        document.ToString().ShouldNotContain("127.0.0.1");
    }

    [Theory]
    [InlineData("DELETE FROM orders WHERE restaurant_id = '00000000-0000-0000-0000-000000000000'")]
    [InlineData("DELETE FROM restaurants")]
    [InlineData("DELETE FROM menus WHERE restaurant_id = '00000000-0000-0000-0000-000000000000'")]
    [InlineData("DELETE FROM data_protection_keys")]
    [InlineData("UPDATE deployment SET value = 'mine'")]
    [InlineData("ALTER TABLE orders ADD COLUMN mine text")]
    [InlineData("DROP TABLE restaurants")]
    [InlineData("CREATE TABLE mine (id int)")]
    [InlineData("SELECT * FROM dinehub.settings")]
    [InlineData("CREATE ROLE mine")]
    [InlineData("SELECT pg_read_file('/etc/passwd')")]
    public async Task The_APIs_role_can_do_no_more_than_its_statements_need(string sql)
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand(sql);
        (await Should.ThrowAsync<Npgsql.PostgresException>(() => command.ExecuteNonQueryAsync())).SqlState
            .ShouldBe(Npgsql.PostgresErrorCodes.InsufficientPrivilege);
    }

    private async Task RefusedAsync(HttpStatusCode status, string field, Func<Task<HttpResponseMessage>> send)
    {
        var before = await fixture.CountOrdersAsync(Lucia);
        using var response = await send();
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(status, text);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        JsonDocument.Parse(text).RootElement.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldContain(field, text);
        (await fixture.CountOrdersAsync(Lucia)).ShouldBe(before);
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string body, string contentType = "application/json", string? key = "a-key")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, contentType) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key == "a-key" ? Guid.NewGuid().ToString() : key);
        }

        return await fixture.Eu.SendAsync(request);
    }

    private async Task<HttpResponseMessage> ChangeAsync(string orderPath, object body, string? ifMatch = null)
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, orderPath + "/status", body);
        if (ifMatch is not null)
        {
            request.Headers.Add("If-Match", ifMatch);
        }

        return await fixture.Eu.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> ReadAsync(HttpClient client, string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
        {
            request.Headers.Add("Tracking-Token", token);
        }

        return await client.SendAsync(request);
    }

    private static async Task<string?> ReasonAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString();
}
