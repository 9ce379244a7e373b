using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace DineHub.AppHost.Composition;

/// <summary>The passwords and keys of one local cluster, made at its first run.</summary>
/// <param name="PostgresPassword">The database superuser's password, the same on every node.</param>
/// <param name="ApiPassword">The password of the API's role, the same on every node.</param>
/// <param name="OperatorKey">The operators' key.</param>
/// <param name="DataProtectionKey">What the API's data-protection keys are encrypted with: 32 bytes in Base64.</param>
/// <param name="MigratorPassword">The password of the role that migrates.</param>
/// <param name="MonitorPassword">The password of the role that reads statistics.</param>
/// <param name="ReplicationPassword">The password of the role that standbys stream as.</param>
/// <param name="BackupPassphrase">What backups are encrypted with.</param>
internal sealed record ClusterSecrets(
    string PostgresPassword,
    string ApiPassword,
    string OperatorKey,
    string? DataProtectionKey,
    string? MigratorPassword,
    string? MonitorPassword,
    string? ReplicationPassword,
    string? BackupPassphrase)
{
    private const int SecretBytes = 24;
    private const int KeyBytes = 32;

    /// <summary>Reads the secrets of a data folder, or makes them.</summary>
    public static ClusterSecrets LoadOrCreate(ClusterDirectory directory)
    {
        if (!File.Exists(directory.SecretsFile))
        {
            return Write(directory, WithMissing(new ClusterSecrets(NewSecret(), NewSecret(), NewSecret(), null, null, null, null, null)));
        }

        // A folder of an earlier version lacks what is newer.
        var kept = JsonSerializer.Deserialize(File.ReadAllText(directory.SecretsFile), LocalJson.Default.ClusterSecrets)!;
        var whole = WithMissing(kept);
        return whole == kept ? kept : Write(directory, whole);
    }

    private static ClusterSecrets WithMissing(ClusterSecrets secrets) => secrets with
    {
        DataProtectionKey = secrets.DataProtectionKey ?? NewKey(),
        MigratorPassword = secrets.MigratorPassword ?? NewSecret(),
        MonitorPassword = secrets.MonitorPassword ?? NewSecret(),
        ReplicationPassword = secrets.ReplicationPassword ?? NewSecret(),
        BackupPassphrase = secrets.BackupPassphrase ?? NewSecret(),
    };

    private static ClusterSecrets Write(ClusterDirectory directory, ClusterSecrets secrets)
    {
        ClusterDirectory.WriteForOwner(directory.SecretsFile, JsonSerializer.Serialize(secrets, LocalJson.Default.ClusterSecrets));
        ClusterDirectory.WriteForOwner(directory.OperatorKeyFile, secrets.OperatorKey);
        return secrets;
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
}
