using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace DineHub.AppHost.Local;

/// <summary>The passwords and keys of one local cluster, made at its first run.</summary>
/// <param name="PostgresPassword">The database superuser's password, the same on every node.</param>
/// <param name="ApiPassword">The password of the API's role, the same on every node.</param>
/// <param name="OperatorKey">The operators' key.</param>
internal sealed record ClusterSecrets(string PostgresPassword, string ApiPassword, string OperatorKey)
{
    private const int SecretBytes = 24;

    /// <summary>Reads the secrets of a data folder, or makes them.</summary>
    public static ClusterSecrets LoadOrCreate(ClusterDirectory directory)
    {
        if (File.Exists(directory.SecretsFile))
        {
            return JsonSerializer.Deserialize(File.ReadAllText(directory.SecretsFile), LocalJson.Default.ClusterSecrets)!;
        }

        var secrets = new ClusterSecrets(NewSecret(), NewSecret(), NewSecret());
        ClusterDirectory.WriteForOwner(directory.SecretsFile, JsonSerializer.Serialize(secrets, LocalJson.Default.ClusterSecrets));
        ClusterDirectory.WriteForOwner(directory.OperatorKeyFile, secrets.OperatorKey);
        return secrets;
    }

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
}
