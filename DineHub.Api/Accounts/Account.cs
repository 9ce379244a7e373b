namespace DineHub.Api.Accounts;

/// <summary>The body of registering.</summary>
/// <param name="Email">The address that the account is known by; at most 254 characters.</param>
/// <param name="Password">10 to 128 characters; anything but the address itself.</param>
/// <param name="Name">The customer's name; 1 to 100 characters.</param>
/// <param name="Phone">A telephone number; at most 30 characters.</param>
public sealed record RegisterRequest(string? Email, string? Password, string? Name, string? Phone = null);

/// <summary>The body of signing in.</summary>
/// <param name="Email">The account's address.</param>
/// <param name="Password">Its password.</param>
public sealed record SignInRequest(string? Email, string? Password);

/// <summary>The body of getting a new access token.</summary>
/// <param name="RefreshToken">The refresh token of the answer before.</param>
public sealed record RefreshRequest(string? RefreshToken);

/// <summary>The body of changing an account.</summary>
/// <param name="Name">The customer's name; 1 to 100 characters.</param>
/// <param name="Phone">A telephone number; at most 30 characters.</param>
public sealed record ChangeAccountRequest(string? Name, string? Phone = null);

/// <summary>The body of changing a password, which ends all sessions.</summary>
/// <param name="Password">The password until now.</param>
/// <param name="NewPassword">10 to 128 characters; anything but the address itself.</param>
public sealed record ChangePasswordRequest(string? Password, string? NewPassword);

/// <summary>The body of erasing an account.</summary>
/// <param name="Password">Its password.</param>
public sealed record EraseAccountRequest(string? Password);

/// <summary>An account's role in one restaurant.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="Role">The role there.</param>
public sealed record StaffRoleOf(Guid RestaurantId, StaffRole Role);

/// <summary>An account.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Email">Its address.</param>
/// <param name="Name">The customer's name.</param>
/// <param name="Phone">A telephone number; empty where none was given.</param>
/// <param name="IsOperator">Whether it has operator rights.</param>
/// <param name="Staff">The restaurants that it works for, as in the token.</param>
/// <param name="CreatedAt">When it was registered, in UTC.</param>
public sealed record Account(
    Guid Id, string Email, string Name, string Phone, bool IsOperator, IReadOnlyList<StaffRoleOf> Staff, DateTimeOffset CreatedAt);

/// <summary>An order in an account's history.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="RestaurantName">Its name when the order was placed.</param>
/// <param name="OrderId">The order.</param>
/// <param name="PlacedAt">When it was placed, in UTC.</param>
/// <param name="Currency">The ISO 4217 code of the total.</param>
/// <param name="Total">What it cost, in minor currency units.</param>
/// <param name="Status">The stage that it is in; null while the database that holds the order does not answer.</param>
public sealed record OrderSummary(
    Guid RestaurantId, string RestaurantName, Guid OrderId, DateTimeOffset PlacedAt, string Currency, long Total, Orders.OrderStatus? Status);

/// <summary>A page of an account's orders, the newest first.</summary>
/// <param name="Items">The orders.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> for the next page; null on the last.</param>
public sealed record OrderSummaryPage(IReadOnlyList<OrderSummary> Items, string? NextCursor);

/// <summary>All stored data of a person.</summary>
/// <param name="Account">The account.</param>
/// <param name="Orders">Every order, the newest first.</param>
public sealed record AccountExport(Account Account, IReadOnlyList<Orders.Order> Orders);

/// <summary>An account as it is stored.</summary>
internal sealed record StoredAccount(
    Guid Id, string Email, string Name, string Phone, string PasswordHash, int SessionEpoch, bool IsOperator, DateTimeOffset CreatedAt)
{
    /// <summary>What stands in the account's tokens.</summary>
    public string Epoch => SessionEpoch.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
