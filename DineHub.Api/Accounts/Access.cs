using System.Globalization;
using System.Security.Claims;
using System.Text.Json.Serialization;
using DineHub.Api.Http;
using Microsoft.AspNetCore.Authorization;

namespace DineHub.Api.Accounts;

/// <summary>A role in a restaurant; each role includes the rights of those before it.</summary>
[JsonConverter(typeof(StrictEnumConverter<StaffRole>))]
public enum StaffRole
{
    /// <summary>Sees the queue, moves orders on, pauses, marks what has run out.</summary>
    Kitchen,

    /// <summary>Changes the menu, reads reports, invites kitchen staff.</summary>
    Manager,

    /// <summary>Changes the profile, invites and removes anybody.</summary>
    Owner,
}

/// <summary>The roles that are of no restaurant.</summary>
internal static class Roles
{
    public const string Operator = "Operator";
}

/// <summary>The claims of a token.</summary>
internal static class DineHubClaims
{
    public const string SessionEpoch = "epoch";
    public const string Staff = "staff";

    public static Claim StaffOf(Guid restaurantId, StaffRole role) => new(Staff, $"{restaurantId:n}:{role}");

    /// <summary>The account; null for guests, and for the operators' key.</summary>
    public static Guid? AccountId(this ClaimsPrincipal user) =>
        Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), CultureInfo.InvariantCulture, out var id) ? id : null;

    /// <summary>What the user may do in a restaurant; null for nothing. Operators may do what an owner may.</summary>
    public static StaffRole? RoleIn(this ClaimsPrincipal user, Guid restaurantId)
    {
        if (user.IsInRole(Roles.Operator))
        {
            return StaffRole.Owner;
        }

        var prefix = $"{restaurantId:n}:";
        return user.FindAll(Staff)
            .Where(claim => claim.Value.StartsWith(prefix, StringComparison.Ordinal))
            .Select(claim => Enum.Parse<StaffRole>(claim.Value[prefix.Length..]))
            .Cast<StaffRole?>()
            .Max();
    }

    public static bool IsStaffOf(this ClaimsPrincipal user, Guid restaurantId) => user.RoleIn(restaurantId) is not null;
}

/// <summary>At least a role in the restaurant that stands in the route.</summary>
internal sealed record StaffRequirement(StaffRole AtLeast) : IAuthorizationRequirement;

internal sealed class StaffRequirementHandler : AuthorizationHandler<StaffRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, StaffRequirement requirement)
    {
        if (context.Resource is HttpContext http
            && Guid.TryParse(http.GetRouteValue("restaurantId")?.ToString(), CultureInfo.InvariantCulture, out var restaurantId)
            && context.User.RoleIn(restaurantId) is { } role
            && role >= requirement.AtLeast)
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}

/// <summary>A signed-in account. The operators' key belongs to no account and does not count.</summary>
internal sealed record AccountRequirement : IAuthorizationRequirement;

internal sealed class AccountRequirementHandler : AuthorizationHandler<AccountRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, AccountRequirement requirement)
    {
        if (context.User.AccountId() is not null)
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}

/// <summary>
/// The rules of access, one of which each endpoint must have: what has none is refused for everybody (the fallback policy).
/// Endpoints that look for themselves (a tracking token, one's own order) allow anybody in and say so in their description.
/// </summary>
internal static class Access
{
    private static readonly AuthorizationPolicy Account = SignedIn().AddRequirements(new AccountRequirement()).Build();
    private static readonly AuthorizationPolicy Operator = SignedIn().RequireRole(Roles.Operator).Build();

    /// <summary>Denies every endpoint that has no rule. A request without a route gets its 404, 405 or 415 without a sign-in.</summary>
    public static AuthorizationPolicy DenyAll { get; } = new AuthorizationPolicyBuilder()
        .RequireAssertion(context => context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)
        .Build();

    public static TBuilder RequireStaff<TBuilder>(this TBuilder endpoint, StaffRole atLeast)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(SignedIn().AddRequirements(new StaffRequirement(atLeast)).Build()).Refuses();

    public static TBuilder RequireAccount<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(Account).Refuses();

    public static TBuilder RequireOperator<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(Operator).Refuses();

    private static AuthorizationPolicyBuilder SignedIn() => new AuthorizationPolicyBuilder().RequireAuthenticatedUser();

    private static TBuilder Refuses<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(
            new ProducesResponseTypeMetadata(StatusCodes.Status401Unauthorized, typeof(Microsoft.AspNetCore.Mvc.ProblemDetails), ["application/problem+json"]),
            new ProducesResponseTypeMetadata(StatusCodes.Status403Forbidden, typeof(Microsoft.AspNetCore.Mvc.ProblemDetails), ["application/problem+json"]));
}
