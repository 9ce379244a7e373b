namespace DineHub.Topology.Access;

/// <summary>The ports that machines listen on. Local runs allocate others.</summary>
public static class Ports
{
    /// <summary>HTTP, redirected to HTTPS.</summary>
    public const int Http = 80;

    /// <summary>HTTPS.</summary>
    public const int Https = 443;

    /// <summary>SSH, over the mesh only.</summary>
    public const int Ssh = 22;

    /// <summary>WireGuard, UDP.</summary>
    public const int WireGuard = 41641;

    /// <summary>The API.</summary>
    public const int Backend = 8080;

    /// <summary>PostgreSQL.</summary>
    public const int Postgres = 5432;

    /// <summary>Headscale's control protocol, behind the ingress.</summary>
    public const int Headscale = 8080;

    /// <summary>Prometheus' node exporter.</summary>
    public const int NodeExporter = 9100;

    /// <summary>Prometheus' PostgreSQL exporter.</summary>
    public const int PostgresExporter = 9187;

    /// <summary>The keeper's metrics and health (<c>db keep</c>).</summary>
    public const int Keeper = 9188;

    /// <summary>Patroni's REST API; only with <see cref="Failover.Vote"/>.</summary>
    public const int Patroni = 8008;

    /// <summary>etcd, for its clients; only with <see cref="Failover.Vote"/>.</summary>
    public const int EtcdClient = 2379;

    /// <summary>etcd, for its other members; only with <see cref="Failover.Vote"/>.</summary>
    public const int EtcdPeer = 2380;

    /// <summary>Prometheus' nginx exporter.</summary>
    public const int NginxExporter = 9113;

    /// <summary>Prometheus.</summary>
    public const int Prometheus = 9090;

    /// <summary>Alertmanager.</summary>
    public const int Alertmanager = 9093;

    /// <summary>Grafana.</summary>
    public const int Grafana = 3000;
}
