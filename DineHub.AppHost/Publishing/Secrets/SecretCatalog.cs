using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>Which secrets each host needs, by name. No secret is ever published: only that it must exist.</summary>
internal static class SecretCatalog
{
    public const string Path = "generated/secrets.json";

    /// <summary>The names of a host's secrets, which are also their places in its file: <c>database/api-password</c>.</summary>
    public static IReadOnlyList<string> NamesOf(ClusterTopology topology, Node node) => node.Role switch
    {
        Role.Ingress => [SecretName.WireGuardPrivateKey, SecretName.HeadscalePublicKey],
        Role.Headscale => [SecretName.WireGuardPrivateKey, .. topology.OfRole(Role.Ingress).Select(ingress => SecretName.PublicKeyOf(ingress.Name))],
        Role.Backend => [SecretName.ApiPassword, SecretName.OperatorKey, SecretName.DataProtectionKey],
        Role.Monitoring => [SecretName.GrafanaPassword, SecretName.GrafanaKey, SecretName.AlertWebhook],
        _ => OfDatabase(topology, node),
    };

    public static PublishedFile Write(ClusterTopology topology) =>
        new(Path, PublishedJson.Write(PublishedJson.Object(topology.Nodes, node => node.Name, node => PublishedJson.Array(NamesOf(topology, node)))));

    private static List<string> OfDatabase(ClusterTopology topology, Node node)
    {
        List<string> names = [SecretName.SuperuserPassword, SecretName.ReplicationPassword, SecretName.MonitorPassword, SecretName.BackupPassphrase];

        // Migrations run where the coordinator is, or has moved to.
        if ((node.Follows ?? node.Name) == topology.Coordinator.Name)
        {
            names.AddRange([SecretName.ApiPassword, SecretName.MigratorPassword]);
        }

        if (topology.Failover == Failover.Vote)
        {
            names.Add(SecretName.PatroniPassword);
        }

        return names;
    }
}
