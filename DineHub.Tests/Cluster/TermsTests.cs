using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Cluster;

/// <summary>What a restaurant takes, what it costs, and when it is ready.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TermsTests(ClusterFixture fixture)
{
    [Fact]
    public async Task A_quote_equals_the_order_that_is_placed_at_the_same_version_of_the_menu()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var basket = TestRestaurant.Delivery(TestRestaurant.Basket(("burger", 2), ("fries", 3)), 38.73, -9.14);
        basket["tip"] = new JsonObject { ["percent"] = 7 };
        var quote = (await restaurant.QuoteAsync(basket)).Expect(HttpStatusCode.OK).Json;
        quote.GetProperty("refusals").GetArrayLength().ShouldBe(0);
        quote.GetProperty("subtotal").GetInt64().ShouldBe(3215);
        quote.GetProperty("tax").GetInt64().ShouldBe(200 + 122);
        quote.GetProperty("deliveryFee").GetInt64().ShouldBe(250);
        quote.GetProperty("tip").GetInt64().ShouldBe(225);
        quote.GetProperty("total").GetInt64().ShouldBe(3215 + 322 + 250 + 225);

        basket["expectedTotal"] = quote.GetProperty("total").GetInt64();
        var order = (await restaurant.PlaceAsync(basket, fixture.Us)).Expect(HttpStatusCode.Created).Json;
        foreach (var member in new[] { "subtotal", "tax", "deliveryFee", "tip", "total", "menuVersion", "currency" })
        {
            order.GetProperty(member).ToString().ShouldBe(quote.GetProperty(member).ToString(), member);
        }

        JsonElement.DeepEquals(order.GetProperty("lines"), quote.GetProperty("lines")).ShouldBeTrue();
        order.GetProperty("payment").GetString().ShouldBe("OnDelivery");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Any_basket_costs_as_an_order_what_it_was_quoted(bool included)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile =>
        {
            profile["tax"] = new JsonObject { ["rateBasisPoints"] = 1333, ["included"] = included };
            profile["delivery"]!["fee"] = 199;
        });
        var random = new Random(20261121);
        for (var i = 0; i < 25; i++)
        {
            var basket = TestRestaurant.Basket(("burger", random.Next(1, 100)), ("fries", random.Next(1, 100)), ("cake", random.Next(1, 100)));
            if (random.Next(2) == 0)
            {
                TestRestaurant.Delivery(basket, 38.72, -9.13);
            }

            basket["tip"] = random.Next(2) == 0 ? new JsonObject { ["percent"] = random.Next(0, 101) } : new JsonObject { ["amount"] = random.Next(0, 5000) };
            var total = (await restaurant.QuoteAsync(basket, fixture.Us)).Expect(HttpStatusCode.OK).Json.GetProperty("total").GetInt64();
            basket["expectedTotal"] = total;
            (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.Created).Json.GetProperty("total").GetInt64().ShouldBe(total);
            basket["expectedTotal"] = total + 1;
            (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("TotalChanged");
        }
    }

    [Fact]
    public async Task What_a_restaurant_does_not_take_is_quoted_with_its_reasons_and_refused_with_the_same()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile =>
        {
            profile["openingHours"] = TestRestaurant.NeverOpen();
            profile["minimumOrder"] = 2000;
            profile["tableService"] = false;
        });
        var basket = TestRestaurant.Basket(("fries", 1));
        var quote = (await restaurant.QuoteAsync(basket)).Expect(HttpStatusCode.OK).Json;
        quote.GetProperty("total").GetInt64().ShouldBe(405 + 41);
        var reasons = quote.GetProperty("refusals").EnumerateArray().Select(refusal => refusal.GetProperty("reason").GetString()).ToList();
        reasons.ShouldBe(["Closed", "FulfilmentNotOffered", "BelowMinimum"]);

        var refused = (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.UnprocessableEntity).Json;
        refused.GetProperty("reason").GetString().ShouldBe("Closed");
        refused.GetProperty("type").GetString().ShouldBe("urn:dinehub:problem:Closed");
        refused.GetProperty("reasons").EnumerateArray().Select(reason => reason.GetString()).ShouldBe(reasons);
    }

    [Theory]
    [InlineData(38.7223, -9.0900, HttpStatusCode.Created)]
    [InlineData(38.7223, -9.0700, HttpStatusCode.UnprocessableEntity)]
    public async Task Delivery_goes_as_far_as_the_radius(double latitude, double longitude, HttpStatusCode status)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var answer = (await restaurant.PlaceAsync(TestRestaurant.Delivery(TestRestaurant.Basket(("cake", 1)), latitude, longitude))).Expect(status);
        if (status != HttpStatusCode.Created)
        {
            answer.Reason.ShouldBe("OutsideDeliveryArea");
            answer.Fields.ShouldBe(["fulfilment.address"]);
        }
    }

    [Fact]
    public async Task A_pause_holds_at_every_replica_at_once_even_at_those_that_keep_a_copy()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), client)).Expect(HttpStatusCode.Created);
        }

        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/pause", new { until = DateTimeOffset.UtcNow.AddHours(1), reason = "The oven is broken" }))
            .Expect(HttpStatusCode.OK);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            var refused = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), client)).Expect(HttpStatusCode.UnprocessableEntity);
            refused.Reason.ShouldBe("Paused");
            refused.Text.ShouldContain("The oven is broken");
        }
    }

    [Fact]
    public async Task A_pause_that_the_directory_has_missed_is_copied_by_upkeep()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var pause = dataSource.CreateCommand("UPDATE kitchens SET paused_until = $2, version = version + 1 WHERE restaurant_id = $1");
        pause.Parameters.AddWithValue(restaurant.Id);
        pause.Parameters.AddWithValue(DateTimeOffset.UtcNow.AddHours(1));
        await pause.ExecuteNonQueryAsync();
        await Eventually.TrueAsync(
            async () => !(await restaurant.SendAsync(HttpMethod.Get, "")).Json.GetProperty("acceptingOrders").GetBoolean(), "the directory shows the pause");
    }

    [Fact]
    public async Task A_kitchen_says_how_long_orders_wait_to_be_accepted()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/capacity", new { parallelOrders = 4, busyMinutes = 15, acceptMinutes = 3 })).Expect(HttpStatusCode.OK);
        await Eventually.TrueAsync(
            async () =>
            {
                var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created).Json;
                return order.GetProperty("expiresAt").GetDateTimeOffset() - order.GetProperty("placedAt").GetDateTimeOffset() == TimeSpan.FromMinutes(3);
            },
            "every replica has read it");
    }

    [Fact]
    public async Task An_order_for_later_is_for_a_slot_and_no_other_time()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var slot = (await restaurant.SendAsync(HttpMethod.Get, "/slots")).Json.GetProperty("slots").EnumerateArray().Select(one => one.GetDateTimeOffset()).Last();
        if (slot < DateTimeOffset.UtcNow.AddMinutes(30))
        {
            slot = slot.AddHours(2);
        }

        var basket = TestRestaurant.Basket(("cake", 1));
        basket["scheduledFor"] = slot.ToOffset(TimeSpan.FromHours(5));
        var order = (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.Created).Json;
        order.GetProperty("scheduledFor").GetDateTimeOffset().ShouldBe(slot);
        order.GetProperty("readyBy").GetDateTimeOffset().ShouldBe(slot);
        foreach (var wrong in new[] { slot.AddMinutes(1), slot.AddDays(-1), slot.AddDays(8), DateTimeOffset.UtcNow })
        {
            basket["scheduledFor"] = wrong;
            (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("NotASlot");
        }
    }

    [Fact]
    public async Task The_more_there_is_to_cook_the_later_a_new_order_is_ready_until_the_kitchen_is_full()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile => profile["preparationMinutes"] = 10);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/capacity", new { parallelOrders = 2, busyMinutes = 7, busyFrom = 3, fullFrom = 4 }))
            .Expect(HttpStatusCode.OK);
        var basket = TestRestaurant.Basket(("fries", 1));
        var minutes = new List<int>();
        for (var open = 0; open <= 4; open++)
        {
            // Replicas count what is open at most once a second.
            JsonElement kitchen = default;
            await Eventually.TrueAsync(
                async () => (kitchen = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/kitchen")).Json).GetProperty("openOrders").GetInt32() == open,
                $"{open} orders are open");
            minutes.Add(kitchen.GetProperty("readyInMinutes").GetInt32());
            if (open < 4)
            {
                kitchen.GetProperty("load").GetString().ShouldBe(open < 3 ? "Normal" : "Busy");
                await PlaceWhenCountedAsync(restaurant, basket);
            }
        }

        minutes.ShouldBe([10, 10, 20, 27, 37]);
        await Eventually.TrueAsync(
            async () => (await restaurant.PlaceAsync(basket)) is { Status: HttpStatusCode.UnprocessableEntity, Reason: "KitchenFull" }, "the kitchen is full");

        // All of them: a replica that had not counted yet may have taken one more.
        foreach (var order in (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders?status=Placed")).Json.GetProperty("items").EnumerateArray())
        {
            await restaurant.AdvanceAsync(order.GetProperty("id").GetGuid(), "Rejected", "TooBusy");
        }

        await Eventually.TrueAsync(async () => (await restaurant.PlaceAsync(basket)).Status == HttpStatusCode.Created, "there is room again");
    }

    [Fact]
    public async Task A_kitchen_that_calls_itself_busy_is_quoted_later()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/busy", new { until = DateTimeOffset.UtcNow.AddHours(1) })).Expect(HttpStatusCode.OK)
            .Json.GetProperty("readyInMinutes").GetInt32().ShouldBe(35);
        (await restaurant.AsOperatorAsync(HttpMethod.Delete, "/kitchen/busy")).Expect(HttpStatusCode.OK)
            .Json.GetProperty("readyInMinutes").GetInt32().ShouldBe(20);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/kitchen/busy", new { until = DateTimeOffset.UtcNow.AddDays(2) }))
            .Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(["until"]);
    }

    [Theory]
    [InlineData("payment", "\"OnDelivery\"", "payment")]
    [InlineData("payment", "\"Cheque\"", "payment")]
    [InlineData("tip", "{\"amount\":1,\"percent\":1}", "tip")]
    [InlineData("tip", "{\"amount\":-1}", "tip.amount")]
    [InlineData("tip", "{\"percent\":101}", "tip.percent")]
    [InlineData("scheduledFor", "\"tomorrow\"", "scheduledFor")]
    [InlineData("fulfilment", "{\"type\":\"Delivery\",\"address\":\"Rua 1\"}", "fulfilment.latitude")]
    [InlineData("fulfilment", "{\"type\":\"Pickup\",\"latitude\":1}", "fulfilment.latitude")]
    [InlineData("fulfilment", "{\"type\":\"Pickup, Delivery\"}", "fulfilment.type")]
    [InlineData("fulfilment", "{}", "fulfilment")]
    [InlineData("note", "too long", "note")]
    public async Task A_malformed_order_is_400_and_names_the_field(string member, string json, string field)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var basket = TestRestaurant.Basket(("cake", 1));
        basket[member] = member == "note" ? new string('n', 501) : JsonNode.Parse(json);
        (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.BadRequest).Fields.ShouldContain(field);
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders")).Json.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task A_customer_cancels_until_the_kitchen_has_accepted()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var first = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Json;
        var path = $"/orders/{first.GetProperty("id").GetGuid()}/cancel";
        (await restaurant.SendAsync(HttpMethod.Post, path)).Expect(HttpStatusCode.NotFound).Reason.ShouldBe("UnknownOrder");
        (await restaurant.SendAsync(HttpMethod.Post, path, headers: [("Tracking-Token", "wrong")])).Expect(HttpStatusCode.NotFound);
        (string, string)[] token = [("Tracking-Token", first.GetProperty("trackingToken").GetString()!)];
        var cancelled = (await restaurant.SendAsync(HttpMethod.Post, path, headers: token)).Expect(HttpStatusCode.OK).Json;
        cancelled.GetProperty("status").GetString().ShouldBe("Cancelled");
        cancelled.GetProperty("history")[1].GetProperty("reason").GetString().ShouldBe("CustomerRequest");

        var second = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Json;
        await restaurant.AdvanceAsync(second.GetProperty("id").GetGuid(), "Accepted");
        (await restaurant.SendAsync(
            HttpMethod.Post, $"/orders/{second.GetProperty("id").GetGuid()}/cancel", headers: [("Tracking-Token", second.GetProperty("trackingToken").GetString()!)]))
            .Expect(HttpStatusCode.Conflict).Reason.ShouldBe("IllegalTransition");
    }

    [Fact]
    public async Task An_unaccepted_order_expires_once_and_cannot_be_accepted_late()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 5 })).Expect(HttpStatusCode.OK);
        var orders = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created);
            (order.Json.GetProperty("expiresAt").GetDateTimeOffset() - order.Json.GetProperty("placedAt").GetDateTimeOffset()).ShouldBe(TimeSpan.FromMinutes(10));
            orders.Add(order.Id);
        }

        // As though ten minutes had passed.
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var age = dataSource.CreateCommand("UPDATE orders SET expires_at = $2 WHERE restaurant_id = $1 AND id = ANY ($3)");
        age.Parameters.AddWithValue(restaurant.Id);
        age.Parameters.AddWithValue(DateTimeOffset.UtcNow.AddSeconds(-1));
        age.Parameters.AddWithValue(orders.ToArray());
        await age.ExecuteNonQueryAsync();
        (await restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{orders[0]}/status", new { status = "Accepted" })).Status.ShouldBe(HttpStatusCode.Conflict);

        await Eventually.TrueAsync(
            async () => (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders?status=Expired")).Json.GetProperty("items").GetArrayLength() == 3, "the orders have expired");
        foreach (var order in (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders")).Json.GetProperty("items").EnumerateArray())
        {
            order.GetProperty("history").GetArrayLength().ShouldBe(2);
            order.GetProperty("version").GetInt32().ShouldBe(2);
        }

        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/stock")).Json.GetProperty("items")[0].GetProperty("quantity").GetInt32().ShouldBe(5);
    }

    [Fact]
    public async Task An_order_that_cannot_be_read_does_not_keep_others_from_expiring()
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        async Task<TestRestaurant> OverdueAsync(string also)
        {
            var restaurant = await TestRestaurant.CreateAsync(fixture);
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created);
            await using var age = dataSource.CreateCommand($"UPDATE orders SET expires_at = $2{also} WHERE restaurant_id = $1");
            age.Parameters.AddWithValue(restaurant.Id);
            age.Parameters.AddWithValue(DateTimeOffset.UtcNow.AddSeconds(-1));
            await age.ExecuteNonQueryAsync();
            return restaurant;
        }

        // The directory lists them in the order of their rows: one before the broken one, one after it.
        var before = await OverdueAsync("");
        var broken = await OverdueAsync(", lines = '\"no list\"'");
        var after = await OverdueAsync("");
        foreach (var restaurant in new[] { before, after })
        {
            await Eventually.TrueAsync(
                async () => (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders?status=Expired")).Json.GetProperty("items").GetArrayLength() == 1, "the order has expired");
        }

        await using var remove = dataSource.CreateCommand("UPDATE orders SET lines = '[]' WHERE restaurant_id = $1");
        remove.Parameters.AddWithValue(broken.Id);
        await remove.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task Of_two_cooks_who_tap_at_once_one_moves_the_order()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Id;
        (await restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order}/bump")).Expect(HttpStatusCode.PreconditionRequired);
        var taps = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order}/bump", ifMatch: "\"1\"", client: i % 2 == 0 ? fixture.Eu : fixture.Us)));
        taps.Count(tap => tap.Status == HttpStatusCode.OK).ShouldBe(1);
        taps.Count(tap => tap.Status == HttpStatusCode.PreconditionFailed).ShouldBe(7);
        for (var version = 2; version <= 4; version++)
        {
            (await restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order}/bump", ifMatch: $"\"{version}\"")).Expect(HttpStatusCode.OK);
        }

        var completed = (await restaurant.AsOperatorAsync(HttpMethod.Get, $"/orders/{order}")).Json;
        completed.GetProperty("status").GetString().ShouldBe("Completed");
        completed.TryGetProperty("trackingToken", out _).ShouldBeFalse("the token is the customer's");
        completed.GetProperty("history").EnumerateArray().Select(stage => stage.GetProperty("status").GetString())
            .ShouldBe(["Placed", "Accepted", "Preparing", "Ready", "Completed"]);
        (await restaurant.AsOperatorAsync(HttpMethod.Post, $"/orders/{order}/bump", ifMatch: "*")).Expect(HttpStatusCode.Conflict);
    }

    private static async Task PlaceWhenCountedAsync(TestRestaurant restaurant, JsonObject basket) =>
        await Eventually.TrueAsync(async () => (await restaurant.PlaceAsync(basket)).Status == HttpStatusCode.Created, "the order is taken");
}
