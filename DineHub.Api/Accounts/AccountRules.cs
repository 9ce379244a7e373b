using System.Net.Mail;
using DineHub.Api.Http.Errors;

namespace DineHub.Api.Accounts;

/// <summary>What the requests about accounts must be.</summary>
internal static class AccountRules
{
    public const int MinPasswordLength = 10;
    public const int MaxPasswordLength = 128;
    private const int MaxEmailLength = 254;

    public static FieldErrors Check(RegisterRequest request)
    {
        var errors = new FieldErrors();
        CheckEmail("email", request.Email, errors);
        CheckNewPassword("password", request.Password, request.Email, errors);
        errors.Require("name", request.Name, 100);
        errors.Limit("phone", request.Phone, 30);
        return errors;
    }

    public static void CheckEmail(string field, string? email, FieldErrors errors)
    {
        errors.Require(field, email, MaxEmailLength);
        if (!string.IsNullOrWhiteSpace(email) && !(MailAddress.TryCreate(email.Trim(), out var parsed) && parsed.Address == email.Trim() && parsed.Host.Contains('.', StringComparison.Ordinal)))
        {
            errors.Add(field, "must be an email address");
        }
    }

    // NIST SP 800-63B, section 5.1.1.2: a length, and nothing about kinds of characters.
    public static void CheckNewPassword(string field, string? password, string? email, FieldErrors errors)
    {
        if (password is not { Length: >= MinPasswordLength and <= MaxPasswordLength } || string.IsNullOrWhiteSpace(password) || password.Contains('\0', StringComparison.Ordinal))
        {
            errors.Add(field, $"must have {MinPasswordLength} to {MaxPasswordLength} characters, not all of them blank, and none of them U+0000");
        }
        else if (email is not null && string.Equals(password, email.Trim(), StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(field, "must not be the email address");
        }
    }
}
