using System.Globalization;
using System.Security.Claims;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;

namespace DineHub.Api.Accounts;

/// <summary>Lets people in: passwords, lockout, and what stands in their tokens.</summary>
/// <param name="accounts">The accounts.</param>
/// <param name="staff">Who works where.</param>
/// <param name="hasher">The framework's hasher of passwords.</param>
/// <param name="bearer">The framework's tokens.</param>
/// <param name="throttle">Slows down guessing from one address.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class SignIns(
    AccountStore accounts,
    StaffStore staff,
    IPasswordHasher<StoredAccount> hasher,
    IOptionsMonitor<BearerTokenOptions> bearer,
    GuessThrottle throttle,
    TimeProvider time,
    ILogger<SignIns> logger)
{
    public static readonly TimeSpan AccessTokenLifetime = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan RefreshTokenLifetime = TimeSpan.FromDays(14);
    private const int FreeTries = 5;
    private static readonly TimeSpan LockedFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxWaitForTurn = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan MaxLook = TimeSpan.FromSeconds(1);

    // Longer than all that a try waits for, and than the difference of two replicas' clocks.
    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(15);

    // Of more at once some would be locked out in any case.
    private readonly TryTurns turns = new(FreeTries, MaxWaitForTurn);

    // A hash of nothing: an address without an account takes as long as one with it.
    private readonly Lazy<string> dummyHash = new(() => hasher.HashPassword(null!, Guid.NewGuid().ToString()));

    /// <summary>What signing in came to: a principal or a refusal.</summary>
    internal sealed record Outcome(ClaimsPrincipal? Principal, StoredAccount? Account, ProblemHttpResult? Refused);

    /// <summary>Checks a password, which also a change of password and an erasure ask for.</summary>
    public async Task<Outcome> CheckPasswordAsync(HttpContext http, string email, string password, CancellationToken ct)
    {
        if (throttle.TryReserve(http) is { } wait)
        {
            return Refuse(TooMany(http, wait));
        }

        var id = await accounts.IdOfAsync(email, ct);
        if (await CountTryAsync(id, ct) is { } notBefore)
        {
            return Refuse(TooMany(http, notBefore - time.GetUtcNow()));
        }

        var account = await accounts.FindAsync(id, ct);
        var result = hasher.VerifyHashedPassword(account!, account?.PasswordHash ?? dummyHash.Value, password);
        if (account is null || result == PasswordVerificationResult.Failed)
        {
            LogRefused(id);
            return Refuse(Problems.Refuse(StatusCodes.Status401Unauthorized, Refusal.WrongCredentials, "The address or the password is wrong."));
        }

        throttle.GiveBack(http);
        await ForgetTriesAsync(id, ct);
        if (result == PasswordVerificationResult.SuccessRehashNeeded)
        {
            await accounts.RehashAsync(id, hasher.HashPassword(account, password), ct);
        }

        return new Outcome(await PrincipalAsync(account, ct), account, Refused: null);
    }

    /// <summary>Makes of a refresh token a principal with what holds now; null where the token is not valid, or its sessions were ended.</summary>
    public async Task<ClaimsPrincipal?> RefreshAsync(string refreshToken, CancellationToken ct)
    {
        var ticket = bearer.Get(BearerTokenDefaults.AuthenticationScheme).RefreshTokenProtector.Unprotect(refreshToken);
        if (ticket?.Properties.ExpiresUtc is not { } expires || expires <= time.GetUtcNow() || ticket.Principal.AccountId() is not { } id)
        {
            return null;
        }

        return await accounts.FindAsync(id, ct) is { } account && account.Epoch == ticket.Principal.FindFirstValue(DineHubClaims.SessionEpoch)
            ? await PrincipalAsync(account, ct)
            : null;
    }

    /// <summary>Answers with the tokens, by the framework's own handler.</summary>
    public static SignInHttpResult Tokens(ClaimsPrincipal principal) =>
        TypedResults.SignIn(principal, new AuthenticationProperties(), BearerTokenDefaults.AuthenticationScheme);

    public string Hash(StoredAccount account, string password) => hasher.HashPassword(account, password);

    private static Outcome Refuse(ProblemHttpResult problem) => new(Principal: null, Account: null, problem);

    private static ProblemHttpResult TooMany(HttpContext http, TimeSpan wait)
    {
        http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return Problems.Refuse(StatusCodes.Status429TooManyRequests, Refusal.TooManyTries, "Too many attempts. Wait, then try again.");
    }

    /// <returns>When the next try makes sense; null where this one may go on.</returns>
    private async Task<DateTimeOffset?> CountTryAsync(Guid id, CancellationToken ct)
    {
        using var turn = await turns.WaitAsync(id, ct);
        var now = time.GetUtcNow().ToMicroseconds();
        if (turn is null)
        {
            return now;
        }

        try
        {
            return await accounts.CountTryAsync(id, now, FreeTries, LockedFor, ct);
        }
        catch (NpgsqlException e) when (e is { InnerException: TimeoutException } or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled })
        {
            // Other tries held the row, here or at other replicas: the database answers, and this one may have been counted. Else its commit was too late.
            var (answers, tries) = await LookBrieflyAsync(id, ct);
            if (tries is { LockedUntil: { } lockedUntil } && lockedUntil > now)
            {
                return lockedUntil;
            }

            if (answers && (turn.IsAwaited || (tries is { CountedAt: var countedAt } && countedAt != now && countedAt > now - Recently)))
            {
                return time.GetUtcNow();
            }

            throw;
        }
    }

    // The statement before has waited for as long as a request may: a worker that hangs is not waited for twice.
    private async Task<(bool Answers, StoredTries? Tries)> LookBrieflyAsync(Guid id, CancellationToken ct)
    {
        using var brief = CancellationTokenSource.CreateLinkedTokenSource(ct);
        brief.CancelAfter(MaxLook);
        try
        {
            return (true, await accounts.FindTriesAsync(id, brief.Token));
        }
        catch (Exception e) when (e is NpgsqlException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return (false, null);
        }
    }

    // Who knows the password is let in also where the row stays locked by the guesses of others. What is not forgotten only locks the address earlier.
    private async Task ForgetTriesAsync(Guid id, CancellationToken ct)
    {
        try
        {
            await accounts.ForgetTriesAsync(id, ct);
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogNotForgotten(id, e.Message.Split('\n')[0]);
        }
    }

    private async Task<ClaimsPrincipal> PrincipalAsync(StoredAccount account, CancellationToken ct)
    {
        var identity = new ClaimsIdentity(
            [
                new Claim(ClaimTypes.NameIdentifier, account.Id.ToString()),
                new Claim(DineHubClaims.SessionEpoch, account.Epoch),
            ],
            BearerTokenDefaults.AuthenticationScheme);
        if (account.IsOperator)
        {
            identity.AddClaim(new Claim(ClaimTypes.Role, Roles.Operator));
        }

        foreach (var restaurantId in await accounts.MembershipsAsync(account.Id, ct))
        {
            if (await RoleAsync(restaurantId, account.Id, ct) is { } role)
            {
                identity.AddClaim(DineHubClaims.StaffOf(restaurantId, role));
            }
        }

        return new ClaimsPrincipal(identity);
    }

    // Where a restaurant's worker is lost, every action on the restaurant fails anyway: its staff sign in without the role and regain it at a refresh.
    private async Task<StaffRole?> RoleAsync(Guid restaurantId, Guid accountId, CancellationToken ct)
    {
        try
        {
            return await staff.RoleAsync(restaurantId, accountId, ct);
        }
        catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
        {
            LogUnknownRole(accountId, restaurantId, e.Message.Split('\n')[0]);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Sign-in failed: wrong password or unknown address (account {AccountId})")]
    private partial void LogRefused(Guid accountId);

    [LoggerMessage(2, LogLevel.Warning, "Account {AccountId} signs in without its role in {RestaurantId}, whose database does not answer: {Reason}")]
    private partial void LogUnknownRole(Guid accountId, Guid restaurantId, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Account {AccountId} signs in, but its count of wrong passwords could not be reset: {Reason}")]
    private partial void LogNotForgotten(Guid accountId, string reason);
}
