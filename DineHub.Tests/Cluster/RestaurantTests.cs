using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class RestaurantTests(ClusterFixture fixture)
{
    private const string Dublin = "53.3498,-6.2603";

    [Fact]
    public async Task A_search_from_a_point_is_ordered_by_distance_and_pages_through_all_once()
    {
        var seen = new List<(string Slug, double Meters)>();
        string? cursor = null;
        do
        {
            var page = await ReadAsync($"near={Dublin}&limit=3{(cursor is null ? "" : "&cursor=" + cursor)}");
            seen.AddRange(Items(page).Select(r => (r.GetProperty("slug").GetString()!, r.GetProperty("distanceMeters").GetDouble())));
            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        seen[0].Slug.ShouldBe("trattoria-lucia");
        seen[0].Meters.ShouldBeInRange(500, 1500);
        seen.Select(one => one.Meters).ShouldBe(seen.Select(one => one.Meters).Order());
        seen.Select(one => one.Slug).ShouldBeUnique();
        seen.Select(one => one.Slug).ShouldContain("addis-corner");
    }

    [Fact]
    public async Task A_radius_keeps_to_what_is_near() =>
        Slugs(await ReadAsync($"near={Dublin}&radius=2000&limit=100")).ShouldBe(["trattoria-lucia"]);

    [Theory]
    [InlineData("text=TRATTORIA", "trattoria-lucia")]
    [InlineData("text=amsterdam", "waterlelie")]
    [InlineData("text=rijsttafel", "waterlelie")]
    [InlineData("cuisine=indonesian", "waterlelie")]
    public async Task Text_and_cuisine_are_found_whatever_the_case(string query, string slug) =>
        Slugs(await ReadAsync(query + "&limit=100")).ShouldContain(slug);

    [Theory]
    [InlineData("text=%25")]
    [InlineData("text=_rattoria")]
    [InlineData("text=%5C")]
    [InlineData("cuisine=indones")]
    [InlineData("text=%27%20OR%201%3D1--")]
    public async Task What_means_something_to_a_database_is_only_text(string query) =>
        Slugs(await ReadAsync(query + "&limit=100")).ShouldBeEmpty();

    [Theory]
    [InlineData("near=91,0", "near")]
    [InlineData("near=somewhere", "near")]
    [InlineData("radius=10", "radius")]
    [InlineData("near=1,1&radius=0", "radius")]
    [InlineData("near=1,1&cursor=AAAAAAAAAAAAAAAAAAAAAGE", "cursor")]
    [InlineData("openNow=perhaps", "openNow")]
    public async Task A_search_that_makes_no_sense_is_400(string query, string field)
    {
        using var response = await fixture.Eu.GetAsync("/api/v1/restaurants?" + query);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldContain(field);
    }

    [Fact]
    public async Task Open_and_accepting_are_told_apart_and_searched_for()
    {
        var city = "City " + Guid.NewGuid().ToString("n");
        var open = await TestRestaurant.CreateAsync(fixture, profile => profile["city"] = city);
        var closed = await TestRestaurant.CreateAsync(fixture, profile =>
        {
            profile["city"] = city;
            profile["openingHours"] = TestRestaurant.NeverOpen();
        });
        var paused = await TestRestaurant.CreateAsync(fixture, profile => profile["city"] = city);
        (await paused.AsOperatorAsync(HttpMethod.Put, "/kitchen/pause", new { until = DateTimeOffset.UtcNow.AddHours(1) })).Expect(HttpStatusCode.OK);

        Ids(await ReadAsync($"text={city}")).ShouldBe([open.Id, closed.Id, paused.Id], ignoreOrder: true);
        Ids(await ReadAsync($"text={city}&openNow=true")).ShouldBe([open.Id, paused.Id], ignoreOrder: true);
        await Eventually.TrueAsync(
            async () => Ids(await ReadAsync($"text={city}&acceptingOrders=true")).SequenceEqual([open.Id]), "the directory shows the pause");

        (await paused.AsOperatorAsync(HttpMethod.Delete, "/kitchen/pause")).Expect(HttpStatusCode.OK);
        await Eventually.TrueAsync(
            async () => Ids(await ReadAsync($"text={city}&acceptingOrders=true")).ToHashSet().SetEquals([open.Id, paused.Id]), "the directory shows that it goes on");
    }

    [Fact]
    public async Task A_profile_is_changed_at_the_version_that_was_read_and_no_other()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var read = (await restaurant.SendAsync(HttpMethod.Get, "")).Expect(HttpStatusCode.OK);
        var changed = TestRestaurant.Profile(profile => profile["name"] = "Renamed");

        (await restaurant.AsOperatorAsync(HttpMethod.Put, "", changed)).Expect(HttpStatusCode.PreconditionRequired).Reason.ShouldBe("VersionRequired");
        var answer = (await restaurant.AsOperatorAsync(HttpMethod.Put, "", changed, read.ETag)).Expect(HttpStatusCode.OK);
        answer.Json.GetProperty("name").GetString().ShouldBe("Renamed");
        answer.Json.GetProperty("version").GetInt32().ShouldBe(2);
        (await restaurant.AsOperatorAsync(HttpMethod.Put, "", changed, read.ETag)).Expect(HttpStatusCode.PreconditionFailed);
        (await restaurant.SendAsync(HttpMethod.Get, "", client: fixture.Us)).Json.GetProperty("name").GetString().ShouldBe("Renamed");
    }

    [Fact]
    public async Task New_terms_hold_at_once_at_every_replica_even_those_that_keep_a_copy()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)), client)).Json.GetProperty("tax").GetInt64().ShouldBe(41);
        }

        (await restaurant.AsOperatorAsync(
            HttpMethod.Put, "", TestRestaurant.Profile(profile => profile["tax"]!["rateBasisPoints"] = 2000), "*")).Expect(HttpStatusCode.OK);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)), client)).Json.GetProperty("tax").GetInt64().ShouldBe(81);
        }
    }

    [Fact]
    public async Task A_tax_rate_that_the_menu_uses_stays()
    {
        static void TwoRates(JsonObject profile) => profile["tax"]!["otherRates"] = new JsonArray(new JsonObject { ["id"] = "reduced", ["rateBasisPoints"] = 500 });
        var restaurant = await TestRestaurant.CreateAsync(fixture, TwoRates);
        var menu = TestRestaurant.MenuDocument(menu => TestRestaurant.Item(menu, "fries")["taxRate"] = "reduced");
        (await restaurant.ReplaceMenuAsync(menu)).Expect(HttpStatusCode.OK);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 2), ("cake", 1)))).Json.GetProperty("tax").GetInt64().ShouldBe(41 + 50);

        (await restaurant.AsOperatorAsync(HttpMethod.Put, "", TestRestaurant.Profile(), "*"))
            .Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("TaxRateInUse");
        (await restaurant.ReplaceMenuAsync(TestRestaurant.MenuDocument(menu => TestRestaurant.Item(menu, "cake")["taxRate"] = "none such")))
            .Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(["categories[0].items[2].taxRate"]);
    }

    [Fact]
    public async Task A_closed_restaurant_leaves_the_directory_and_takes_no_orders_until_it_reopens()
    {
        var city = "City " + Guid.NewGuid().ToString("n");
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile => profile["city"] = city);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.Created);
        (await restaurant.AsOperatorAsync(HttpMethod.Post, "/close")).Expect(HttpStatusCode.OK);
        Ids(await ReadAsync($"text={city}")).ShouldBeEmpty();
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.UnprocessableEntity).Reason.ShouldBe("ClosedForGood");
        (await restaurant.SendAsync(HttpMethod.Get, "")).Json.GetProperty("acceptingOrders").GetBoolean().ShouldBeFalse();

        (await restaurant.AsOperatorAsync(HttpMethod.Post, "/reopen")).Expect(HttpStatusCode.OK);
        Ids(await ReadAsync($"text={city}")).ShouldBe([restaurant.Id]);
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)), fixture.Us)).Expect(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Every_mistake_in_a_profile_is_named_at_once()
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, "/api/v1/restaurants", new JsonObject
        {
            ["slug"] = "Not A Slug",
            ["region"] = "eu-west-1",
            ["currency"] = "euro",
            ["profile"] = TestRestaurant.Profile(profile =>
            {
                profile["name"] = "";
                profile["latitude"] = 91;
                profile["timeZone"] = "Europe/Atlantis";
                profile["tax"]!["rateBasisPoints"] = 10001;
                profile["delivery"]!["radiusMeters"] = 0;
                profile["minimumOrder"] = -1;
                profile["openingHours"]!["exceptions"] = new JsonArray(new JsonObject { ["date"] = "2026-12-25", ["spans"] = null });
            }),
        });
        using var response = await fixture.Eu.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(
            [
                "slug", "currency", "profile.name", "profile.latitude", "profile.timeZone", "profile.tax.rateBasisPoints", "profile.delivery.radiusMeters",
                "profile.minimumOrder", "profile.openingHours.exceptions[0].spans",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task A_slug_is_taken_once()
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, "/api/v1/restaurants", new JsonObject
        {
            ["slug"] = "trattoria-lucia",
            ["region"] = "eu-west-1",
            ["currency"] = "EUR",
            ["profile"] = TestRestaurant.Profile(),
        });
        using var response = await fixture.Eu.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Slots_are_inside_the_opening_hours_of_the_day()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile => profile["preparationMinutes"] = 30);
        var list = (await restaurant.SendAsync(HttpMethod.Get, "/slots")).Expect(HttpStatusCode.OK).Json;
        list.GetProperty("timeZone").GetString().ShouldBe("Europe/Lisbon");
        list.GetProperty("slots").EnumerateArray().Select(slot => slot.GetDateTimeOffset()).ShouldAllBe(slot => slot.Minute % 15 == 0 && slot > DateTimeOffset.UtcNow);
        (await restaurant.SendAsync(HttpMethod.Get, "/slots?date=2020-01-01")).Expect(HttpStatusCode.BadRequest).Fields.ShouldBe(["date"]);

        var closed = await TestRestaurant.CreateAsync(fixture, profile => profile["openingHours"] = TestRestaurant.NeverOpen());
        (await closed.SendAsync(HttpMethod.Get, "/slots")).Json.GetProperty("slots").GetArrayLength().ShouldBe(0);
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement page) => page.GetProperty("items").EnumerateArray();

    private static List<string> Slugs(JsonElement page) => [.. Items(page).Select(restaurant => restaurant.GetProperty("slug").GetString()!)];

    private static List<Guid> Ids(JsonElement page) => [.. Items(page).Select(restaurant => restaurant.GetProperty("id").GetGuid())];

    private Task<JsonElement> ReadAsync(string query) => fixture.Us.GetFromJsonAsync<JsonElement>("/api/v1/restaurants?" + query);
}
