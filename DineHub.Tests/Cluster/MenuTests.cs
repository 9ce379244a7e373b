using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class MenuTests(ClusterFixture fixture)
{
    [Fact]
    public async Task A_menu_is_replaced_at_the_version_that_was_read_and_no_other()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var read = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/menu")).Expect(HttpStatusCode.OK);
        var changed = TestRestaurant.MenuDocument(menu => TestRestaurant.Item(menu, "cake")["price"] = 600);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu", changed)).Expect(HttpStatusCode.PreconditionRequired);
        var answer = (await restaurant.ReplaceMenuAsync(changed, read.ETag!)).Expect(HttpStatusCode.OK);
        answer.ETag.ShouldNotBe(read.ETag);
        (await restaurant.ReplaceMenuAsync(changed, read.ETag!)).Expect(HttpStatusCode.PreconditionFailed);
        (await restaurant.ReplaceMenuAsync(changed, "W/\"1\"")).Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(["If-Match"]);

        // Through the other region, whose replicas may keep the old one: it is not sold at the old price.
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.Created).Json;
        order.GetProperty("subtotal").GetInt64().ShouldBe(600);
    }

    [Fact]
    public async Task A_menus_ETag_changes_with_every_byte_and_with_none_else()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var first = await restaurant.SendAsync(HttpMethod.Get, "/menu");
        (await restaurant.SendAsync(HttpMethod.Get, "/menu")).ETag.ShouldBe(first.ETag);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 1, lowMark = 2 })).Expect(HttpStatusCode.OK);
        var low = first;
        await Eventually.TrueAsync(
            async () => Item((low = await restaurant.SendAsync(HttpMethod.Get, "/menu")).Json, "cake").TryGetProperty("stock", out var mark) && mark.GetString() == "Low",
            "the menu shows that little is left");
        low.ETag.ShouldNotBe(first.ETag);

        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created);
        await Eventually.TrueAsync(
            async () =>
            {
                var now = await restaurant.SendAsync(HttpMethod.Get, "/menu");
                return Item(now.Json, "cake").TryGetProperty("stock", out var mark) && mark.GetString() == "Out" && now.ETag != low.ETag;
            },
            "the menu shows that there is none left");
        (await restaurant.SendAsync(HttpMethod.Get, "/menu", headers: [("If-None-Match", first.ETag!)])).Expect(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_is_off_the_menu_cannot_be_ordered_and_stays_off_when_the_menu_is_replaced()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        await restaurant.MenuAsync(fixture.Us);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/cake/unavailable", new { })).Expect(HttpStatusCode.NoContent);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1), ("cake", 1)), fixture.Us))
            .Expect(HttpStatusCode.UnprocessableEntity).Fields.ShouldBe(["lines[1].itemId"]);
        var replaced = (await restaurant.ReplaceMenuAsync(TestRestaurant.MenuDocument())).Expect(HttpStatusCode.OK);
        Item(replaced.Json, "cake").TryGetProperty("unavailable", out _).ShouldBeTrue();
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("ItemUnavailable");

        (await restaurant.AsOperatorAsync(HttpMethod.Delete, "/menu/items/cake/unavailable")).Expect(HttpStatusCode.NoContent);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.Created);
    }

    [Fact]
    public async Task An_option_is_off_by_itself()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/burger/options/bacon/unavailable", new { })).Expect(HttpStatusCode.NoContent);
        var basket = TestRestaurant.Basket(("burger", 1));
        (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.Created);
        basket["lines"]![0]!["options"] = new JsonArray("regular", "bacon");
        (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.UnprocessableEntity).Fields.ShouldBe(["lines[0].options"]);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/burger/options/gold/unavailable", new { })).Expect(HttpStatusCode.NotFound);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/soup/unavailable", new { })).Expect(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task What_is_off_until_a_time_comes_back_by_itself()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/cake/unavailable", new { until = DateTimeOffset.UtcNow.AddMinutes(-1) }))
            .Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(["until"]);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/cake/unavailable", new { until = DateTimeOffset.UtcNow.AddSeconds(3) })).Expect(HttpStatusCode.NoContent);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.UnprocessableEntity);
        await Eventually.TrueAsync(
            async () => (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Status == HttpStatusCode.Created, "the cake is back");
        await Eventually.TrueAsync(
            async () => !Item(await restaurant.MenuAsync(), "cake").TryGetProperty("unavailable", out _), "the menu says so");
    }

    [Fact]
    public async Task What_is_served_at_another_time_of_the_day_can_be_ordered_for_then()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Lisbon");
        var slots = (await restaurant.SendAsync(HttpMethod.Get, $"/slots?date={DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(DateTimeOffset.UtcNow, zone).DateTime).AddDays(1):O}"))
            .Json.GetProperty("slots").EnumerateArray().Select(slot => slot.GetDateTimeOffset()).ToList();

        // A window of two hours that begins four hours from now, tomorrow.
        var slot = slots.First(time => time > DateTimeOffset.UtcNow.AddHours(28) || time == slots[^1]);
        var local = TimeZoneInfo.ConvertTime(slot, zone);
        (await restaurant.ReplaceMenuAsync(TestRestaurant.MenuDocument(menu => TestRestaurant.Item(menu, "cake")["windows"] = new JsonArray(new JsonObject
        {
            ["name"] = "Tea time",
            ["from"] = local.ToString("HH:mm", null),
            ["until"] = local.AddHours(2).ToString("HH:mm", null),
            ["days"] = new JsonArray(local.DayOfWeek.ToString()),
        })))).Expect(HttpStatusCode.OK);
        var basket = TestRestaurant.Basket(("cake", 1));
        (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("ItemUnavailable");
        basket["scheduledFor"] = slot;
        (await restaurant.PlaceAsync(basket)).Expect(HttpStatusCode.Created).Json.GetProperty("scheduledFor").GetDateTimeOffset().ShouldBe(slot);
    }

    [Fact]
    public async Task Fifty_buyers_of_the_last_item_get_one()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 1 })).Expect(HttpStatusCode.OK);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1), ("fries", 1)), i % 2 == 0 ? fixture.Eu : fixture.Us)));
        answers.Count(answer => answer.Status == HttpStatusCode.Created).ShouldBe(1);
        answers.Where(answer => answer.Status != HttpStatusCode.Created).ShouldAllBe(answer => answer.Status == HttpStatusCode.UnprocessableEntity && answer.Reason == "OutOfStock");
        (await StockAsync(restaurant)).ShouldBe(0);
        (await CountAsync(restaurant)).ShouldBe(1);
    }

    [Fact]
    public async Task Buyers_at_once_take_together_what_there_is_and_not_more()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 10 })).Expect(HttpStatusCode.OK);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 3)), i % 2 == 0 ? fixture.Eu : fixture.Us)));
        var sold = answers.Count(answer => answer.Status == HttpStatusCode.Created);
        sold.ShouldBe(3);
        (await StockAsync(restaurant)).ShouldBe(10 - (3 * sold));
    }

    [Fact]
    public async Task The_same_key_takes_from_stock_once_and_is_answered_again_when_nothing_is_left()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 2 })).Expect(HttpStatusCode.OK);
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 2)), i % 2 == 0 ? fixture.Eu : fixture.Us, key)));
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.Created);
        answers.Select(answer => answer.Text).Distinct().ShouldHaveSingleItem();
        (await StockAsync(restaurant)).ShouldBe(0);
    }

    [Theory]
    [InlineData("Rejected", 5)]
    [InlineData("Cancelled", 5)]
    [InlineData("Preparing,Cancelled", 3)]
    public async Task What_was_not_cooked_goes_back_to_stock(string stages, int left)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/stock/cake", new { quantity = 5 })).Expect(HttpStatusCode.OK);
        var order = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1), ("fries", 1), ("cake", 1)))).Expect(HttpStatusCode.Created);
        (await StockAsync(restaurant)).ShouldBe(3);
        if (stages.StartsWith("Preparing", StringComparison.Ordinal))
        {
            await restaurant.AdvanceAsync(order.Id, "Accepted");
            await restaurant.AdvanceAsync(order.Id, "Preparing");
        }

        await restaurant.AdvanceAsync(order.Id, stages.Split(',')[^1], "Other");
        (await StockAsync(restaurant)).ShouldBe(left);
    }

    [Fact]
    public async Task Every_mistake_in_a_menu_is_named_at_once()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var menu = TestRestaurant.MenuDocument(menu =>
        {
            TestRestaurant.Item(menu, "burger")["price"] = -1;
            TestRestaurant.Item(menu, "burger")["modifierGroups"]![0]!["min"] = 3;
            TestRestaurant.Item(menu, "fries")["id"] = "burger";
            TestRestaurant.Item(menu, "cake")["allergens"] = new JsonArray("sugar");
            TestRestaurant.Item(menu, "cake")["imageUrl"] = "https://elsewhere.example/cake.png";
        });
        (await restaurant.ReplaceMenuAsync(menu)).Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(
            [
                "categories[0].items[0].price", "categories[0].items[0].modifierGroups[0].min", "categories[0].items[1].id",
                "categories[0].items[2].allergens", "categories[0].items[2].imageUrl",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task Marks_in_a_menu_that_is_sent_back_are_not_taken_for_the_owners_words()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "/menu/items/cake/unavailable", new { })).Expect(HttpStatusCode.NoContent);
        var read = await restaurant.AsOperatorAsync(HttpMethod.Get, "/menu");
        Item(read.Json, "cake").TryGetProperty("unavailable", out _).ShouldBeTrue("staff see the menu as it is now");
        (await restaurant.ReplaceMenuAsync(JsonNode.Parse(read.Text)!.AsObject(), read.ETag!)).Expect(HttpStatusCode.OK);
        (await restaurant.AsOperatorAsync(HttpMethod.Delete, "/menu/items/cake/unavailable")).Expect(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(
            async () => !Item(await restaurant.MenuAsync(), "cake").TryGetProperty("unavailable", out _), "the cake is back on the menu");
    }

    private static JsonElement Item(JsonElement menu, string id) => menu.GetProperty("categories").EnumerateArray()
        .SelectMany(category => category.GetProperty("items").EnumerateArray()).First(item => item.GetProperty("id").GetString() == id);

    private static async Task<int> StockAsync(TestRestaurant restaurant) =>
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/stock")).Json.GetProperty("items")[0].GetProperty("quantity").GetInt32();

    private static async Task<int> CountAsync(TestRestaurant restaurant) =>
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/orders?limit=200")).Json.GetProperty("items").GetArrayLength();
}
