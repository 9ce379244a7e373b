using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace DineHub.Api.Accounts;

/// <summary>The operators' key.</summary>
internal sealed class OperatorKeyOptions : AuthenticationSchemeOptions
{
    public const string Scheme = "OperatorKey";
    public const string ConfigurationKey = "Operator:Key";
    public const int MinKeyLength = 32;

    /// <summary>At least 32 characters; null disables operator access by key.</summary>
    public string? Key { get; set; }

    /// <summary>Whether a bearer token is the key. Hashes are of one length, so the comparison takes the same time whatever was sent.</summary>
    public bool Matches(string? token) => Key is not null && token is not null && CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(Key)), SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}

/// <summary>
/// Accepts the configured key as an operator's bearer token (RFC 6750): the credential for the time before the first account exists and
/// while the database is down.
/// </summary>
internal sealed class OperatorKeyHandler(IOptionsMonitor<OperatorKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<OperatorKeyOptions>(options, logger, encoder)
{
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Options.Matches(BearerTokens.Read(Request)))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Role, Roles.Operator)], Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }
}

/// <summary>The bearer token of a request.</summary>
internal static class BearerTokens
{
    private const string Prefix = "Bearer ";

    public static string? Read(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header[Prefix.Length..].Trim() : null;
    }
}
