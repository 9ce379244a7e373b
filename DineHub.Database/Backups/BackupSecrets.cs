namespace DineHub.Database.Backups;

/// <summary>
/// What pgBackRest needs and neither its configuration nor its arguments hold: it takes both from the environment. No record, whose text
/// would show them.
/// </summary>
/// <param name="cipherPassphrase">What the repository is encrypted with; without it no backup can be read.</param>
/// <param name="password">The password of the user that pgBackRest connects as; null where the socket needs none.</param>
public sealed class BackupSecrets(string cipherPassphrase, string? password)
{
    // pgBackRest Configuration Reference, "Environment Variables".
    private const string CipherVariable = "PGBACKREST_REPO1_CIPHER_PASS";

    /// <summary>What a PostgreSQL server needs in its environment for the archive and restore commands. Secret.</summary>
    public IReadOnlyDictionary<string, string> ServerEnvironment { get; } = new Dictionary<string, string> { [CipherVariable] = cipherPassphrase };

    /// <summary>What pgBackRest's own commands need in their environment. Secret.</summary>
    public IReadOnlyDictionary<string, string> ToolEnvironment { get; } = password is null
        ? new Dictionary<string, string> { [CipherVariable] = cipherPassphrase }
        : new Dictionary<string, string> { [CipherVariable] = cipherPassphrase, ["PGPASSWORD"] = password };
}
