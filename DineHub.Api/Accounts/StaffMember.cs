namespace DineHub.Api.Accounts;

/// <summary>A member of a restaurant's staff.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Role">The role.</param>
/// <param name="Email">The account's address.</param>
/// <param name="Name">The account's name.</param>
/// <param name="AddedAt">When they accepted, in UTC.</param>
public sealed record StaffMember(Guid AccountId, StaffRole Role, string Email, string Name, DateTimeOffset AddedAt);

/// <summary>The staff of a restaurant.</summary>
/// <param name="Items">The members, owners first.</param>
/// <param name="Invitations">Invitations that are still open.</param>
public sealed record StaffList(IReadOnlyList<StaffMember> Items, IReadOnlyList<Invitation> Invitations);

/// <summary>The body of inviting somebody.</summary>
/// <param name="Email">The address of the account that may accept.</param>
/// <param name="Role">The role. Managers invite kitchen staff; owners and operators invite any role.</param>
public sealed record InviteRequest(string? Email, StaffRole? Role);

/// <summary>An invitation.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Email">The address of the account that may accept.</param>
/// <param name="Role">The role.</param>
/// <param name="ExpiresAt">When the invitation expires, in UTC.</param>
/// <param name="Token">The secret that accepts the invitation; returned once, at creation, to be passed on.</param>
public sealed record Invitation(Guid Id, string Email, StaffRole Role, DateTimeOffset ExpiresAt, string? Token = null);

/// <summary>The body of accepting an invitation.</summary>
/// <param name="Token">The invitation's token.</param>
public sealed record AcceptInvitationRequest(string? Token);
