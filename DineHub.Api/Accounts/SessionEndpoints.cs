using System.Security.Cryptography;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Accounts;

/// <summary>Registering, signing in and out.</summary>
internal static class SessionEndpoints
{
    public static IEndpointRouteBuilder MapSessions(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/accounts").WithTags("Accounts");
        group.MapPost("/", RegisterAsync).WithName("Register").WithSummary("Register an account.").AllowAnonymous()
            .ProducesProblem(StatusCodes.Status409Conflict);
        group.MapPost("/sign-in", SignInAsync).WithName("SignIn").WithSummary("Sign in.").AllowAnonymous()
            .WithDescription(
                "The access token lasts 15 minutes, the refresh token 14 days. After 5 wrong passwords an address is locked for 5 minutes, "
                + "whether it has an account or not (429 with Retry-After).")
            .Produces<AccessTokenResponse>()
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);
        group.MapPost("/refresh", RefreshAsync).WithName("Refresh").WithSummary("Exchange a refresh token for new tokens.").AllowAnonymous()
            .WithDescription("The new tokens carry the account's current roles. 401 after its sessions were ended.")
            .Produces<AccessTokenResponse>()
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        group.MapPost("/me/sign-out-everywhere", SignOutEverywhereAsync).WithName("SignOutEverywhere").WithSummary("End all sessions.")
            .WithDescription("Refresh tokens stop working at once, access tokens within 15 minutes.")
            .RequireAccount();
        return routes;
    }

    private static async Task<Results<Created<Account>, ValidationProblem, ProblemHttpResult>> RegisterAsync(
        RegisterRequest request, AccountStore accounts, SignIns signIns, TimeProvider time, CancellationToken ct)
    {
        if (AccountRules.Check(request) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        var account = new StoredAccount(
            await accounts.IdOfAsync(request.Email!, ct),
            AccountStore.Normalize(request.Email!),
            request.Name!.Trim(),
            request.Phone?.Trim() ?? "",
            PasswordHash: "",
            // Not the same for all: who had an account of this address before, erased since, has tokens that must not fit this one.
            SessionEpoch: RandomNumberGenerator.GetInt32(1, 1 << 30),
            IsOperator: false,
            time.GetUtcNow().ToMicroseconds());
        account = account with { PasswordHash = signIns.Hash(account, request.Password!) };
        return await accounts.TryAddAsync(account, ct)
            ? TypedResults.Created("/api/v1/accounts/me", AccountEndpoints.Show(account, []))
            : Problems.Refuse(StatusCodes.Status409Conflict, Refusal.EmailTaken, "There is an account with this address.");
    }

    private static async Task<Results<SignInHttpResult, ValidationProblem, ProblemHttpResult>> SignInAsync(
        SignInRequest request, SignIns signIns, HttpContext http, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Require("email", request.Email, 254);
        errors.Require("password", request.Password, AccountRules.MaxPasswordLength);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        var outcome = await signIns.CheckPasswordAsync(http, request.Email!, request.Password!, ct);
        return outcome.Principal is { } principal ? SignIns.Tokens(principal) : outcome.Refused!;
    }

    private static async Task<Results<SignInHttpResult, ValidationProblem, ProblemHttpResult>> RefreshAsync(
        RefreshRequest request, SignIns signIns, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Require("refreshToken", request.RefreshToken, 16_384);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        return await signIns.RefreshAsync(request.RefreshToken!, ct) is { } principal
            ? SignIns.Tokens(principal)
            : Problems.SessionEnded();
    }

    private static async Task<NoContent> SignOutEverywhereAsync(AccountStore accounts, HttpContext http, CancellationToken ct)
    {
        await accounts.EndSessionsAsync(http.User.AccountId()!.Value, passwordHash: null, ct);
        return TypedResults.NoContent();
    }
}
