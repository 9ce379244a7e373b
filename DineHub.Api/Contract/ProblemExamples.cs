using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Api.Http.Errors;
using DineHub.Api.Images;
using DineHub.Api.Orders;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace DineHub.Api.Contract;

/// <summary>A problem as a client gets it.</summary>
/// <param name="Name">The reason; or the name of the status, where the status says it all.</param>
/// <param name="Status">The status.</param>
/// <param name="Title">What it says to people.</param>
/// <param name="Json">The whole of it.</param>
internal sealed record ProblemExample(string Name, int Status, string Title, JsonNode Json);

/// <summary>One example of each problem.</summary>
internal static class ProblemExamples
{
    private const string Instance = "/api/v1/restaurants/019690a0-0c00-7a10-8b2e-5d1f0c3a7e21/orders";
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string NotValid = "The request is not valid.";
    private const string NotNow = "The restaurant does not take this order now.";
    private const string Slot = "scheduledFor";

    /// <summary>By reason.</summary>
    public static IReadOnlyDictionary<Refusal, ProblemExample> Refused { get; } = new[]
    {
        Problems.UnknownRestaurant(),
        Problems.UnknownOrder(),
        Problems.UnknownItem(),
        Problem(404, Refusal.UnknownAccount, "There is no account with this address."),
        Problem(404, Refusal.UnknownInvitation, "There is no such open invitation."),
        Problem(404, Refusal.UnknownImage, "There is no such image."),
        Problem(409, Refusal.SlugTaken, "There is a restaurant with this slug."),
        Problem(409, Refusal.EmailTaken, "There is an account with this address."),
        Unfit(Refusal.TaxRateInUse, "A tax rate is in use.", "tax.otherRates", "must keep 'drinks': the menu's item 'still-water' has it"),
        Unfit(Refusal.DoesNotFitTheMenu, "The order does not fit the menu.", "lines[0].options", "must have exactly 1 of 'size' (regular, large)"),
        NotTaken(Refusal.ItemUnavailable, "lines[0].itemId", "is off the menu for now"),
        NotTaken(Refusal.OutOfStock, "lines[0].quantity", "there are 2 left"),
        NotTaken(Refusal.Closed, Slot, "the restaurant is closed; it opens at 2026-05-05T11:00:00.0000000+00:00"),
        NotTaken(Refusal.ClosedForGood, "restaurantId", "the restaurant has closed for good"),
        NotTaken(Refusal.Paused, "restaurantId", "the restaurant takes no orders for now"),
        NotTaken(Refusal.KitchenFull, Slot, "the kitchen has too much to do: order for a later slot"),
        NotTaken(Refusal.NotASlot, Slot, "must be one of the restaurant's slots, from 20 minutes to 7 days ahead"),
        NotTaken(Refusal.FulfilmentNotOffered, "fulfilment.type", "the restaurant does not offer Delivery"),
        NotTaken(Refusal.OutsideDeliveryArea, "fulfilment.address", "is 5210 metres away; the restaurant delivers up to 4000"),
        NotTaken(Refusal.BelowMinimum, "lines", "must come to at least 1000"),
        Unfit(Refusal.TotalChanged, "The total is not the expected one.", "expectedTotal", "must be 3800", new() { ["total"] = 3800 }),
        Problem(409, Refusal.MenuChanging, "The menu is changing. Try again."),
        Problem(422, Refusal.IdempotencyKeyReused, "This Idempotency-Key was used for another order."),
        Problem(409, Refusal.IllegalTransition, "An order that is Completed cannot become Preparing.", new()
        {
            ["current"] = nameof(OrderStatus.Completed),
            ["requested"] = nameof(OrderStatus.Preparing),
            ["allowed"] = Array.Empty<string>(),
        }),
        Problems.VersionMismatch(4),
        Problems.VersionRequired(),
        Problem(401, Refusal.WrongCredentials, "The address or the password is wrong."),
        Problem(401, Refusal.SessionEnded, "The session was ended. Sign in."),
        Problem(429, Refusal.TooManyTries, "Too many attempts. Wait, then try again."),
        Problem(403, Refusal.RoleTooLow, "This requires an owner."),
        Problem(409, Refusal.LastOwner, "The last owner cannot be removed: invite another owner first."),
        Problem(409, Refusal.OrderOnItsWay, "The order is in progress: wait until it is finished."),
        Problem(403, Refusal.UploadNotAllowed, "This is not a valid upload URL."),
        Problem(403, Refusal.UploadExpired, "The upload URL has expired."),
        Problem(413, Refusal.ImageTooLarge, $"An image has at most {ImageRules.MaxBytes} bytes."),
        Problem(400, Refusal.ImageNotAsAllowed, "The upload must have the Content-Type image/webp."),
        Problem(409, Refusal.ImageExists, "The image has been uploaded already."),
    }.ToDictionary(problem => Enum.Parse<Refusal>((string)problem.ProblemDetails.Extensions["reason"]!), problem => Show((string)problem.ProblemDetails.Extensions["reason"]!, problem));

    /// <summary>What has no reason: the status says it all.</summary>
    public static IReadOnlyDictionary<int, ProblemExample> Plain { get; } = new[]
    {
        WithErrors(400, NotValid, "limit", "must be between 1 and 100"),
        TypedResults.Problem(statusCode: 401),
        TypedResults.Problem(statusCode: 403),
        WithErrors(413, "Content Too Large", "body", "must be at most 524288 bytes"),
        WithErrors(415, "Unsupported Media Type", "Content-Type", "must be application/json"),
        TypedResults.Problem(statusCode: 503, title: "The database that holds this does not answer. Try again."),
    }.ToDictionary(problem => problem.StatusCode, problem => Show(Phrase(problem.StatusCode), problem));

    /// <summary>A status as the name of a component: <c>NotFound</c>.</summary>
    public static string Phrase(int status) => string.Concat(ReasonPhrases.GetReasonPhrase(status).Where(char.IsLetter));

    private static ProblemHttpResult Problem(int status, Refusal reason, string title, Dictionary<string, object?>? more = null) =>
        Problems.Refuse(status, reason, title, more);

    private static ProblemHttpResult Unfit(Refusal reason, string title, string field, string rule, Dictionary<string, object?>? more = null)
    {
        var errors = new FieldErrors();
        errors.Add(field, rule);
        return errors.ToUnprocessable(reason, title, more);
    }

    private static ProblemHttpResult NotTaken(Refusal reason, string field, string rule) =>
        Unfit(reason, NotNow, field, rule, new() { ["reasons"] = new[] { reason.ToString() } });

    private static ProblemHttpResult WithErrors(int status, string title, string field, string rule) => TypedResults.Problem(
        statusCode: status, title: title, extensions: new Dictionary<string, object?> { ["errors"] = new Dictionary<string, string[]> { [field] = [rule] } });

    private static ProblemExample Show(string name, ProblemHttpResult problem)
    {
        var details = problem.ProblemDetails;
        details.Instance = Instance;
        details.Extensions["traceId"] = TraceId;
        return new ProblemExample(name, problem.StatusCode, details.Title!, JsonSerializer.SerializeToNode(details, typeof(ProblemDetails), ApiJson.Default)!);
    }
}
