using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace DineHub.AppHost.Local;

/// <summary>The passwords and keys of one local cluster, made at its first run.</summary>
/// <param name="PostgresPassword">The database superuser's password, the same on every node.</param>
/// <param name="ApiPassword">The password of the API's role, the same on every node.</param>
/// <param name="OperatorKey">The operators' key.</param>
/// <param name="DataProtectionKey">What the API's data-protection keys are encrypted with: 32 bytes in Base64.</param>
internal sealed record ClusterSecrets(string PostgresPassword, string ApiPassword, string OperatorKey, string? DataProtectionKey)
{
    private const int SecretBytes = 24;
    private const int KeyBytes = 32;

    /// <summary>Reads the secrets of a data folder, or makes them.</summary>
    public static ClusterSecrets LoadOrCreate(ClusterDirectory directory)
    {
        if (File.Exists(directory.SecretsFile))
        {
            var kept = JsonSerializer.Deserialize(File.ReadAllText(directory.SecretsFile), LocalJson.Default.ClusterSecrets)!;

            // A folder of an earlier version has no such key yet.
            return kept.DataProtectionKey is null ? Write(directory, kept with { DataProtectionKey = NewKey() }) : kept;
        }

        return Write(directory, new ClusterSecrets(NewSecret(), NewSecret(), NewSecret(), NewKey()));
    }

    private static ClusterSecrets Write(ClusterDirectory directory, ClusterSecrets secrets)
    {
        ClusterDirectory.WriteForOwner(directory.SecretsFile, JsonSerializer.Serialize(secrets, LocalJson.Default.ClusterSecrets));
        ClusterDirectory.WriteForOwner(directory.OperatorKeyFile, secrets.OperatorKey);
        return secrets;
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
}
