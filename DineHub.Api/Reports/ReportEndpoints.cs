using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using DineHub.Api.Accounts;
using DineHub.Api.Http;
using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Reports;

/// <summary>A restaurant's reports.</summary>
internal static class ReportEndpoints
{
    private const int DefaultDays = 30;
    private const int MaxDays = 366;
    private const int RowsPerFlush = 500;

    private static readonly string[] Columns =
    [
        "order", "placed_at_utc", "date", "time", "status", "fulfilment", "payment", "items", "subtotal", "tax", "delivery_fee", "tip", "total", "currency",
    ];

    /// <summary>The days of a report, and the time that they span.</summary>
    private sealed record Period(Restaurant Restaurant, DateOnly From, DateOnly To)
    {
        public DateTimeOffset Begin => Restaurant.Schedule.StartOfDay(From);

        public DateTimeOffset End => Restaurant.Schedule.StartOfDay(To.AddDays(1));
    }

    public static IEndpointRouteBuilder MapReports(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants/{restaurantId:guid}/reports").WithTags("Reports");
        const string Days = "from, to: the first and the last day in the restaurant's time zone, at most 366 days; default: the last 30 days.";
        group.MapGet("/sales", SalesAsync).WithName("GetSales").WithSummary("Read sales by day.").WithDescription(Days)
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Manager);
        group.MapGet("/best-sellers", BestSellersAsync).WithName("GetBestSellers").WithSummary("Read the best-selling items.")
            .WithDescription(Days + " limit: 1 to 100, default 20.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Manager);
        group.MapGet("/stages", StagesAsync).WithName("GetStages").WithSummary("Read the durations of the stages of orders.").WithDescription(Days)
            .ProducesProblem(StatusCodes.Status404NotFound).RequireStaff(StaffRole.Manager);
        group.MapGet("/orders.csv", ExportAsync).WithName("ExportOrders").WithSummary("Export orders as a CSV stream (RFC 4180).")
            .WithDescription(Days + " Amounts are in minor units. There is no personal data in the file.")
            .Produces<string>(StatusCodes.Status200OK, "text/csv")
            .ProducesValidationProblem()
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Manager)
            .Streamed();
        return routes;
    }

    private static async Task<Results<Ok<SalesReport>, ValidationProblem, ProblemHttpResult>> SalesAsync(
        Guid restaurantId, RestaurantDirectory directory, ReportStore reports, TimeProvider time, CancellationToken ct, DateOnly? from = null, DateOnly? to = null)
    {
        var (period, errors) = await ReadAsync(restaurantId, from, to, directory, time, ct);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return period is null
            ? Problems.UnknownRestaurant()
            : TypedResults.Ok(new SalesReport(
                period.From,
                period.To,
                period.Restaurant.TimeZone,
                period.Restaurant.Currency,
                await reports.SalesAsync(restaurantId, period.Begin, period.End, period.Restaurant.TimeZone, ct)));
    }

    private static async Task<Results<Ok<BestSellersReport>, ValidationProblem, ProblemHttpResult>> BestSellersAsync(
        Guid restaurantId,
        RestaurantDirectory directory,
        ReportStore reports,
        TimeProvider time,
        CancellationToken ct,
        DateOnly? from = null,
        DateOnly? to = null,
        int limit = 20)
    {
        var (period, errors) = await ReadAsync(restaurantId, from, to, directory, time, ct);
        errors.Range<int>("limit", limit, 1, 100);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return period is null
            ? Problems.UnknownRestaurant()
            : TypedResults.Ok(new BestSellersReport(
                period.From, period.To, period.Restaurant.Currency, await reports.BestSellersAsync(restaurantId, period.Begin, period.End, limit, ct)));
    }

    private static async Task<Results<Ok<StagesReport>, ValidationProblem, ProblemHttpResult>> StagesAsync(
        Guid restaurantId, RestaurantDirectory directory, ReportStore reports, TimeProvider time, CancellationToken ct, DateOnly? from = null, DateOnly? to = null)
    {
        var (period, errors) = await ReadAsync(restaurantId, from, to, directory, time, ct);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return period is null
            ? Problems.UnknownRestaurant()
            : TypedResults.Ok(new StagesReport(
                period.From, period.To, [.. (await reports.StagesAsync(restaurantId, period.Begin, period.End, ct)).OrderBy(stage => stage.Status)]));
    }

    private static async Task<IResult> ExportAsync(
        Guid restaurantId,
        RestaurantDirectory directory,
        ReportStore reports,
        TimeProvider time,
        HttpContext http,
        CancellationToken ct,
        DateOnly? from = null,
        DateOnly? to = null)
    {
        var (period, errors) = await ReadAsync(restaurantId, from, to, directory, time, ct);
        if (period is null)
        {
            return errors.Any ? errors.ToBadRequest() : Problems.UnknownRestaurant();
        }

        // The first row before the headers: a database that does not answer is a 503 and not half a file.
        await using var rows = reports.OrdersAsync(restaurantId, period.Begin, period.End, ct).GetAsyncEnumerator(ct);
        var more = await rows.MoveNextAsync();
        http.Response.ContentType = "text/csv; charset=utf-8";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{period.Restaurant.Slug}-{period.From:O}-{period.To:O}.csv\"";

        await using var text = new StreamWriter(http.Response.Body, leaveOpen: true);
        await using var csv = new CsvWriter(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            NewLine = "\r\n",
            InjectionOptions = InjectionOptions.Escape,
        });
        Write(csv, Columns);
        await csv.NextRecordAsync();
        for (var count = 1; more; count++)
        {
            var row = rows.Current;
            var local = period.Restaurant.Schedule.WallTime(row.PlacedAt);
            Write(
                csv,
                [
                    $"{row.Id}",
                    row.PlacedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
                    local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                    local.ToString("HH:mm", CultureInfo.InvariantCulture),
                    row.Status,
                    row.Fulfilment,
                    row.Payment,
                    Text(row.Items),
                    Text(row.Subtotal),
                    Text(row.Tax),
                    Text(row.DeliveryFee),
                    Text(row.Tip),
                    Text(row.Total),
                    row.Currency,
                ]);
            await csv.NextRecordAsync();
            if (count % RowsPerFlush == 0)
            {
                await csv.FlushAsync();
                await http.Response.Body.FlushAsync(ct);
            }

            more = await rows.MoveNextAsync();
        }

        await csv.FlushAsync();
        return TypedResults.Empty;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Write(CsvWriter csv, IEnumerable<string> fields)
    {
        foreach (var field in fields)
        {
            csv.WriteField(field);
        }
    }

    // No period and no errors: no restaurant.
    private static async Task<(Period? Period, FieldErrors Errors)> ReadAsync(
        Guid restaurantId, DateOnly? from, DateOnly? to, RestaurantDirectory directory, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        if (await directory.FindAsync(restaurantId, ct) is not { } restaurant)
        {
            return (null, errors);
        }

        var last = to ?? restaurant.Schedule.LocalDate(time.GetUtcNow());
        var first = from ?? (last.DayNumber > DefaultDays ? last.AddDays(1 - DefaultDays) : DateOnly.MinValue);
        if (last < first || last.DayNumber - first.DayNumber >= MaxDays || last.Year > 9990)
        {
            errors.Add("from", $"must not be after to, and at most {MaxDays} days before it");
        }

        return (errors.Any ? null : new Period(restaurant, first, last), errors);
    }

}
