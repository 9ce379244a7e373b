namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>The names of secrets. A name stands for one value, whichever hosts have it, except for keys of WireGuard, which are a host's own.</summary>
internal static class SecretName
{
    public const string ApiPassword = "database/api-password";
    public const string MigratorPassword = "database/migrator-password";
    public const string MonitorPassword = "database/monitor-password";
    public const string ReplicationPassword = "database/replication-password";
    public const string SuperuserPassword = "database/superuser-password";
    public const string BackupPassphrase = "database/backup-passphrase";
    public const string PatroniPassword = "patroni/rest-password";
    public const string OperatorKey = "api/operator-key";
    public const string DataProtectionKey = "api/data-protection-key";
    public const string GrafanaPassword = "grafana/admin-password";
    public const string GrafanaKey = "grafana/secret-key";
    public const string AlertWebhook = "alertmanager/webhook-url";
    public const string WireGuardPrivateKey = "wireguard/private-key";
    public const string HeadscalePublicKey = "wireguard/headscale-public-key";

    /// <summary>The public key of an ingress, as Headscale's file has it.</summary>
    public static string PublicKeyOf(string ingress) => $"wireguard/{ingress}-public-key";
}
