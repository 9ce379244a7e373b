using System.Security.Claims;
using DineHub.Api.Http;
using DineHub.Api.Http.Errors;
using DineHub.Api.Orders;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Accounts;

/// <summary>One's own account, and whom operators trust.</summary>
internal static class AccountEndpoints
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 50;

    public static IEndpointRouteBuilder MapAccounts(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/accounts/me").WithTags("Accounts");
        group.MapGet("/", GetAsync).WithName("GetAccount").WithSummary("Read the signed-in account.")
            .RequireAccount();
        group.MapPut("/", ChangeAsync).WithName("ChangeAccount").WithSummary("Change the account's name and telephone number.")
            .RequireAccount();
        group.MapPut("/password", ChangePasswordAsync).WithName("ChangePassword").WithSummary("Change the account's password, which ends all sessions.")
            .ProducesProblem(StatusCodes.Status429TooManyRequests).RequireAccount();
        group.MapGet("/orders", OrdersAsync).WithName("ListOwnOrders").WithSummary("List the account's orders, the newest first.")
            .WithDescription($"limit: 1 to {MaxLimit}, default {DefaultLimit}. Orders whose database does not answer are listed without a status.")
            .RequireAccount();
        group.MapGet("/export", ExportAsync).WithName("ExportAccount").WithSummary("Export all personal data.")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable).RequireAccount();
        group.MapPost("/erase", EraseAsync).WithName("EraseAccount").WithSummary("Erase the account and its personal data.")
            .WithDescription(
                "Orders keep their amounts and lose the personal data. Refused (409) while an order is in progress. After a 503 the erasure may be partial: "
                + "send the same request again.")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequireAccount();

        var operators = routes.MapGroup("/operators/{email}").WithTags("Operations");
        operators.MapPut("/", GrantAsync).WithName("GrantOperator").WithSummary("Grant operator rights.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireOperator();
        operators.MapDelete("/", RevokeAsync).WithName("RevokeOperator").WithSummary("Revoke operator rights, with effect within 15 minutes.")
            .ProducesProblem(StatusCodes.Status404NotFound).RequireOperator();
        return routes;
    }

    public static Account Show(StoredAccount account, IReadOnlyList<StaffRoleOf> staff) =>
        new(account.Id, account.Email, account.Name, account.Phone, account.IsOperator, staff, account.CreatedAt);

    private static async Task<Results<Ok<Account>, ProblemHttpResult>> GetAsync(AccountStore accounts, HttpContext http, CancellationToken ct)
    {
        return await accounts.FindOwnAsync(http.User, ct) is { } account
            ? TypedResults.Ok(Show(account, StaffOf(http.User)))
            : Gone();
    }

    private static async Task<Results<Ok<Account>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        ChangeAccountRequest request, AccountStore accounts, HttpContext http, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Require("name", request.Name, 100);
        errors.Limit("phone", request.Phone, 30);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return await accounts.FindOwnAsync(http.User, ct) is { Id: var id }
            && await accounts.ChangeAsync(id, request.Name!.Trim(), request.Phone?.Trim() ?? "", ct) is { } account
                ? TypedResults.Ok(Show(account, StaffOf(http.User)))
                : Gone();
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> ChangePasswordAsync(
        ChangePasswordRequest request, AccountStore accounts, SignIns signIns, HttpContext http, CancellationToken ct)
    {
        if (await accounts.FindOwnAsync(http.User, ct) is not { } account)
        {
            return Gone();
        }

        var errors = new FieldErrors();
        errors.Require("password", request.Password, AccountRules.MaxPasswordLength);
        AccountRules.CheckNewPassword("newPassword", request.NewPassword, account.Email, errors);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        var outcome = await signIns.CheckPasswordAsync(http, account.Email, request.Password!, ct);
        if (outcome.Refused is { } refused)
        {
            return refused;
        }

        await accounts.EndSessionsAsync(account.Id, signIns.Hash(account, request.NewPassword!), ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<OrderSummaryPage>, ValidationProblem, ProblemHttpResult>> OrdersAsync(
        AccountStore accounts, OrderHistory history, HttpContext http, CancellationToken ct, int limit = DefaultLimit, string? cursor = null)
    {
        var errors = new FieldErrors();
        errors.Range<int>("limit", limit, 1, MaxLimit);
        var after = TimeCursor.Read(cursor, errors);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return await accounts.FindOwnAsync(http.User, ct) is { } account ? TypedResults.Ok(await history.ListAsync(account.Id, after, limit, ct)) : Gone();
    }

    private static async Task<Results<Ok<AccountExport>, ProblemHttpResult>> ExportAsync(
        AccountStore accounts, OrderHistory history, HttpContext http, CancellationToken ct)
    {
        return await accounts.FindOwnAsync(http.User, ct) is { } account
            ? TypedResults.Ok(new AccountExport(Show(account, StaffOf(http.User)), await history.ExportAsync(account.Id, ct)))
            : Gone();
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> EraseAsync(
        EraseAccountRequest request,
        AccountStore accounts,
        StaffStore staff,
        OrderHistory history,
        SignIns signIns,
        HttpContext http,
        CancellationToken ct)
    {
        if (await accounts.FindOwnAsync(http.User, ct) is not { } account)
        {
            return Gone();
        }

        var errors = new FieldErrors();
        errors.Require("password", request.Password, AccountRules.MaxPasswordLength);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        var outcome = await signIns.CheckPasswordAsync(http, account.Email, request.Password!, ct);
        if (outcome.Refused is { } refused)
        {
            return refused;
        }

        if (!await history.TryEraseAsync(account.Id, ct))
        {
            return Problems.Refuse(StatusCodes.Status409Conflict, Refusal.OrderOnItsWay, "An order is in progress: wait until it is completed, or cancel it.");
        }

        foreach (var restaurantId in await accounts.MembershipsAsync(account.Id, ct))
        {
            await staff.EraseAsync(restaurantId, account, ct);
        }

        await accounts.EraseAsync(account.Id, ct);
        return TypedResults.NoContent();
    }

    private static Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> GrantAsync(
        string email, AccountStore accounts, CancellationToken ct) => SetOperatorAsync(email, accounts, isOperator: true, ct);

    private static Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> RevokeAsync(
        string email, AccountStore accounts, CancellationToken ct) => SetOperatorAsync(email, accounts, isOperator: false, ct);

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> SetOperatorAsync(
        string email, AccountStore accounts, bool isOperator, CancellationToken ct)
    {
        var errors = new FieldErrors();
        AccountRules.CheckEmail("email", email, errors);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return await accounts.SetOperatorAsync(await accounts.IdOfAsync(email, ct), isOperator, ct)
            ? TypedResults.NoContent()
            : Problems.Refuse(StatusCodes.Status404NotFound, Refusal.UnknownAccount, "There is no account with this address.");
    }

    private static List<StaffRoleOf> StaffOf(ClaimsPrincipal user) =>
        [.. user.FindAll(DineHubClaims.Staff).Select(claim => claim.Value.Split(':')).Select(parts => new StaffRoleOf(Guid.Parse(parts[0]), Enum.Parse<StaffRole>(parts[1])))];

    // The token outlives the account, or its sessions, by minutes.
    private static ProblemHttpResult Gone() => Problems.SessionEnded();
}
