using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using DineHub.Api.Data;
using DineHub.Api.Http.Errors;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Accounts;

/// <summary>A restaurant's staff.</summary>
internal static class StaffEndpoints
{
    private const int TokenBytes = 24;
    private static readonly TimeSpan InvitationLifetime = TimeSpan.FromDays(7);

    public static IEndpointRouteBuilder MapStaff(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/restaurants/{restaurantId:guid}/staff").WithTags("Staff");
        group.MapGet("/", ListAsync).WithName("ListStaff").WithSummary("List staff and open invitations.").RequireStaff(StaffRole.Manager);
        group.MapPost("/invitations", InviteAsync).WithName("InviteStaff").WithSummary("Invite a member of staff.")
            .WithDescription("Managers invite kitchen staff; owners and operators invite any role. The token is returned in this response only: pass it on.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Manager);
        group.MapDelete("/invitations/{invitationId:guid}", WithdrawAsync).WithName("WithdrawInvitation").WithSummary("Withdraw an invitation.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireStaff(StaffRole.Manager);
        group.MapPost("/invitations/accept", AcceptAsync).WithName("AcceptInvitation").WithSummary("Accept an invitation.")
            .WithDescription("Only the invited account can accept. The role is in the tokens of the next refresh.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequireAccount();
        group.MapDelete("/{accountId:guid}", RemoveAsync).WithName("RemoveStaff").WithSummary("Remove a member of staff, with effect within 15 minutes.")
            .WithDescription("Managers remove kitchen staff; owners and operators remove any member but the last owner.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequireStaff(StaffRole.Manager);
        return routes;
    }

    private static async Task<Ok<StaffList>> ListAsync(Guid restaurantId, StaffStore staff, TimeProvider time, CancellationToken ct) =>
        TypedResults.Ok(await staff.ListAsync(restaurantId, time.GetUtcNow(), ct));

    private static async Task<Results<Ok<Invitation>, ValidationProblem, ProblemHttpResult>> InviteAsync(
        Guid restaurantId, InviteRequest request, RestaurantDirectory directory, StaffStore staff, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var errors = new FieldErrors();
        AccountRules.CheckEmail("email", request.Email, errors);
        if (request.Role is null)
        {
            errors.Add("role", "is required");
        }

        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        if (!MayAppoint(http, restaurantId, request.Role!.Value))
        {
            return Forbidden();
        }

        if (await directory.FindAsync(restaurantId, ct) is null)
        {
            return Problems.UnknownRestaurant();
        }

        var now = time.GetUtcNow().ToMicroseconds();
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var invitation = new Invitation(Guid.CreateVersion7(now), AccountStore.Normalize(request.Email!), request.Role.Value, now + InvitationLifetime, token);
        await staff.InviteAsync(restaurantId, invitation, Hash(token), now, ct);
        return TypedResults.Ok(invitation);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> WithdrawAsync(
        Guid restaurantId, Guid invitationId, StaffStore staff, HttpContext http, CancellationToken ct)
    {
        if (await staff.InvitedRoleAsync(restaurantId, invitationId, ct) is not { } role)
        {
            return Problems.Refuse(StatusCodes.Status404NotFound, Refusal.UnknownInvitation, "There is no such open invitation.");
        }

        if (!MayAppoint(http, restaurantId, role))
        {
            return Forbidden();
        }

        await staff.WithdrawAsync(restaurantId, invitationId, ct);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<StaffRoleOf>, ValidationProblem, ProblemHttpResult>> AcceptAsync(
        Guid restaurantId, AcceptInvitationRequest request, AccountStore accounts, StaffStore staff, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var errors = new FieldErrors();
        errors.Require("token", request.Token, 100);
        if (errors.Any)
        {
            return errors.ToBadRequest();
        }

        var now = time.GetUtcNow().ToMicroseconds();
        if (await accounts.FindOwnAsync(http.User, ct) is { } account
            && await staff.IsInvitedAsync(restaurantId, account.Email, Hash(request.Token!), now, ct))
        {
            // First where to look: it gives nothing by itself, so nothing is wrong when the next step fails.
            await accounts.AddMembershipAsync(account.Id, restaurantId, ct);
            if (await staff.AcceptAsync(restaurantId, account, Hash(request.Token!), now, ct) is { } role)
            {
                return TypedResults.Ok(new StaffRoleOf(restaurantId, role));
            }
        }

        return Problems.Refuse(StatusCodes.Status404NotFound, Refusal.UnknownInvitation, "There is no such open invitation for this account.");
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        Guid restaurantId, Guid accountId, StaffStore staff, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var members = (await staff.ListAsync(restaurantId, time.GetUtcNow(), ct)).Items;
        if (members.FirstOrDefault(member => member.AccountId == accountId) is not { } member)
        {
            return Problems.Refuse(StatusCodes.Status404NotFound, Refusal.UnknownAccount, "That account is not on this restaurant's staff.");
        }

        if (!MayAppoint(http, restaurantId, member.Role))
        {
            return Forbidden();
        }

        return await staff.TryRemoveAsync(restaurantId, accountId, ct)
            ? TypedResults.NoContent()
            : Problems.Refuse(StatusCodes.Status409Conflict, Refusal.LastOwner, "The last owner cannot be removed: invite another owner first.");
    }

    private static bool MayAppoint(HttpContext http, Guid restaurantId, StaffRole role) =>
        http.User.RoleIn(restaurantId) is { } own && (own == StaffRole.Owner || role < own);

    private static ProblemHttpResult Forbidden() =>
        Problems.Refuse(StatusCodes.Status403Forbidden, Refusal.RoleTooLow, "This requires an owner.");

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
