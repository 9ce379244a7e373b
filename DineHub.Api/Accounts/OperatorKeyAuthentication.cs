using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace DineHub.Api.Accounts;

/// <summary>The authorization policies.</summary>
internal static class Policies
{
    public const string Staff = "Staff";
}

/// <summary>The roles.</summary>
internal static class Roles
{
    public const string Operator = "Operator";
}

/// <summary>The operators' key.</summary>
internal sealed class OperatorKeyOptions : AuthenticationSchemeOptions
{
    public const string Scheme = "OperatorKey";
    public const string ConfigurationKey = "Operator:Key";
    public const int ShortestKey = 32;

    /// <summary>At least 32 characters; without it nobody is an operator.</summary>
    public string? Key { get; set; }
}

/// <summary>
/// Whoever sends the configured key as a bearer token (RFC 6750) is an operator. It is the credential that exists before any account does.
/// </summary>
internal sealed class OperatorKeyHandler(IOptionsMonitor<OperatorKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<OperatorKeyOptions>(options, logger, encoder)
{
    private const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        // Hashes are of one length, so the comparison takes the same time whatever was sent.
        var matches = Options.Key is { } key && CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(key)), SHA256.HashData(Encoding.UTF8.GetBytes(header[Prefix.Length..].Trim())));
        if (!matches)
        {
            return Task.FromResult(AuthenticateResult.Fail("The bearer token is not valid."));
        }

        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Role, Roles.Operator)], Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return base.HandleChallengeAsync(properties);
    }
}
