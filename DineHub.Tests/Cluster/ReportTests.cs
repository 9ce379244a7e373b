using System.Net;
using System.Text.Json;
using DineHub.Api;
using DineHub.Api.Data;
using DineHub.Api.Reports;
using DineHub.Database;
using DineHub.Database.Connections;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class ReportTests(ClusterFixture fixture)
{
    [Fact]
    public async Task Reports_say_what_was_sold_and_how_long_it_took_and_leave_out_what_was_not()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var first = (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 3), ("cake", 1)))).Id;
        (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Expect(HttpStatusCode.Created);
        var rejected = (await restaurant.PlaceAsync(TestRestaurant.Basket(("burger", 9)))).Id;
        await restaurant.AdvanceAsync(rejected, "Rejected", "TooBusy");
        foreach (var status in new[] { "Accepted", "Preparing", "Ready", "Completed" })
        {
            await restaurant.AdvanceAsync(first, status);
        }

        var sales = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/sales")).Expect(HttpStatusCode.OK).Json;
        var days = sales.GetProperty("days").EnumerateArray().ToList();
        days.Sum(day => day.GetProperty("orders").GetInt64()).ShouldBe(2);
        days.Sum(day => day.GetProperty("subtotal").GetInt64()).ShouldBe((3 * 405) + 500 + 500);
        days.Sum(day => day.GetProperty("total").GetInt64()).ShouldBe(1215 + 122 + 500 + 50 + 500 + 50);

        var best = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/best-sellers?limit=5")).Json.GetProperty("items").EnumerateArray().ToList();
        best.Select(item => (item.GetProperty("itemId").GetString(), item.GetProperty("quantity").GetInt64())).ShouldBe([("fries", 3), ("cake", 2)]);

        var stages = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/stages")).Json.GetProperty("stages").EnumerateArray().ToList();
        stages.Select(stage => stage.GetProperty("status").GetString()).ShouldBe(["Placed", "Accepted", "Preparing", "Ready"]);
        stages[0].GetProperty("orders").GetInt64().ShouldBe(2);
        stages.ShouldAllBe(stage => stage.GetProperty("averageSeconds").GetDouble() >= 0);
    }

    [Fact]
    public async Task An_order_belongs_to_the_day_in_the_restaurants_own_time_zone()
    {
        // Kiritimati is 14 hours ahead: for most of the day it is tomorrow there.
        var restaurant = await TestRestaurant.CreateAsync(fixture, profile => profile["timeZone"] = "Pacific/Kiritimati");
        var placed = (await restaurant.PlaceAsync(TestRestaurant.Basket(("cake", 1)))).Json.GetProperty("placedAt").GetDateTimeOffset();
        var day = DateOnly.FromDateTime(placed.UtcDateTime.AddHours(14));
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/sales")).Json.GetProperty("days")[0].GetProperty("date").GetString().ShouldBe($"{day:O}");
        (await restaurant.AsOperatorAsync(HttpMethod.Get, $"/orders?date={day:O}")).Json.GetProperty("items").GetArrayLength().ShouldBe(1);
        (await restaurant.AsOperatorAsync(HttpMethod.Get, $"/orders?date={day.AddDays(-1):O}")).Json.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/orders.csv")).Text.ShouldContain($",{day:O},{placed.UtcDateTime.AddHours(14):HH:mm},");
    }

    [Fact]
    public async Task The_export_has_a_line_for_each_order_and_no_personal_data()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        for (var i = 0; i < 3; i++)
        {
            (await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 2)))).Expect(HttpStatusCode.Created);
        }

        var csv = (await restaurant.AsOperatorAsync(HttpMethod.Get, "/reports/orders.csv")).Expect(HttpStatusCode.OK).Text;
        var lines = csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(4);
        lines[0].ShouldBe("order,placed_at_utc,date,time,status,fulfilment,payment,items,subtotal,tax,delivery_fee,tip,total,currency");
        lines.Skip(1).ShouldAllBe(line => line.EndsWith(",Placed,Table,AtCounter,2,810,81,0,0,891,EUR", StringComparison.Ordinal));
        csv.ShouldNotContain("Ada", Case.Sensitive);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(500)]
    public async Task The_export_reads_each_order_once_page_by_page(int limit)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var placed = new List<Guid>();
        for (var i = 0; i < 4; i++)
        {
            placed.Add((await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)))).Expect(HttpStatusCode.Created).Id);
        }

        using var connections = ApiConnections.Create(fixture.Cluster.ApiConnectionString);
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var reports = new ReportStore(connections);
        (await reports.OrdersAsync(restaurant.Id, from, until, CancellationToken.None, limit).ToListAsync()).Select(order => order.Id).ShouldBe(placed);

        // Those of one time come in the order of their ids, as PostgreSQL compares them: by their bytes.
        await connections.ExecuteAsync("UPDATE orders SET placed_at = $2 WHERE restaurant_id = $1", CancellationToken.None, restaurant.Id, from);
        (await reports.OrdersAsync(restaurant.Id, from, until, CancellationToken.None, limit).ToListAsync()).Select(order => order.Id)
            .ShouldBe(placed.OrderBy(id => id.ToString("n"), StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/reports/sales?from=2026-02-01&to=2026-01-01", "from")]
    [InlineData("/reports/stages?from=2020-01-01&to=2026-01-01", "from")]
    [InlineData("/reports/best-sellers?limit=0", "limit")]
    [InlineData("/reports/orders.csv?from=2026-02-01&to=2026-01-01", "from")]
    [InlineData("/orders?status=Eaten", "status")]
    [InlineData("/orders?cursor=x", "cursor")]
    public async Task A_report_that_makes_no_sense_is_400(string path, string field)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        (await restaurant.AsOperatorAsync(HttpMethod.Get, path)).Expect(HttpStatusCode.BadRequest).Fields.ShouldContain(field);
    }

    [Fact]
    public async Task Orders_are_listed_by_stage_the_newest_first_page_by_page()
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var placed = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            placed.Add((await restaurant.PlaceAsync(TestRestaurant.Basket(("fries", 1)))).Id);
        }

        await restaurant.AdvanceAsync(placed[2], "Accepted");
        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = (await restaurant.AsOperatorAsync(HttpMethod.Get, $"/orders?status=Placed&limit=2{(cursor is null ? "" : "&cursor=" + cursor)}")).Expect(HttpStatusCode.OK).Json;
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(order => order.GetProperty("id").GetGuid()));
            cursor = page.TryGetProperty("nextCursor", out JsonElement next) ? next.GetString() : null;
        }
        while (cursor is not null);
        placed.RemoveAt(2);
        placed.Reverse();
        seen.ShouldBe(placed);
    }
}
