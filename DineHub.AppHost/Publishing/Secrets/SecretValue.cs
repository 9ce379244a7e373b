using System.Buffers.Text;
using System.Security.Cryptography;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>New values of secrets.</summary>
internal static class SecretValue
{
    private const int PasswordBytes = 24;
    private const int KeyBytes = 32;

    /// <summary>Whether only an operator can know it.</summary>
    public static bool IsProvided(string name) => name == SecretName.AlertWebhook;

    /// <summary>A new value of a secret that all hosts which have it share.</summary>
    public static string New(string name) => name == SecretName.DataProtectionKey
        ? Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))
        : Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(PasswordBytes + (name == SecretName.OperatorKey ? KeyBytes - PasswordBytes : 0)));
}
