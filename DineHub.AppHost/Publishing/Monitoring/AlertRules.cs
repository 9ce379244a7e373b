using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>What somebody is told of. docs/observability.md names the metrics.</summary>
internal static class AlertRules
{
    public const string Path = "generated/prometheus/rules.yaml";

    // A full backup takes hours at most, and one of some kind is made each day.
    private const string BackupDeadline = "26 * 3600";

    private static readonly AlertRule[] Machines =
    [
        new("MachineDown", "up{job=\"node\"} == 0", "3m", Severity.Page, "{{ $labels.node }} has not answered for 3 minutes.", "runbook.md#a-machine-is-gone"),
        new("UnitFailed", "node_systemd_unit_state{state=\"failed\"} == 1", "5m", Severity.Ticket, "{{ $labels.name }} has failed on {{ $labels.node }}.", "runbook.md#a-unit-has-failed"),
        new("DiskFillsUp", "node_filesystem_avail_bytes{fstype=~\"ext4|xfs\"} / node_filesystem_size_bytes < 0.15", "10m", Severity.Ticket, "{{ $labels.mountpoint }} of {{ $labels.node }} has {{ $value | humanizePercentage }} left.", "runbook.md#a-disk-fills-up"),
        new("DiskIsFull", "node_filesystem_avail_bytes{fstype=~\"ext4|xfs\"} / node_filesystem_size_bytes < 0.05", "2m", Severity.Page, "{{ $labels.mountpoint }} of {{ $labels.node }} has {{ $value | humanizePercentage }} left.", "runbook.md#a-disk-fills-up"),
        new("MemoryIsShort", "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05", "10m", Severity.Ticket, "{{ $labels.node }} has {{ $value | humanizePercentage }} of its memory left.", "runbook.md#memory-is-short"),
        new("ClockIsOff", "abs(node_timex_offset_seconds) > 0.5 or node_timex_sync_status == 0", "10m", Severity.Ticket, "The clock of {{ $labels.node }} is not synchronised.", "runbook.md#a-clock-is-off"),
        new("MonitoringWorks", "vector(1)", "0m", Severity.Ticket, "Always there: where it stops to arrive, monitoring is down.", "runbook.md#monitoring-is-silent"),
    ];

    private static readonly AlertRule[] Service =
    [
        new("IngressDown", "up{job=\"nginx\"} == 0 or nginx_up == 0", "2m", Severity.Page, "nginx of {{ $labels.node }} does not answer.", "runbook.md#an-ingress-is-down"),
        new("PublicSiteDown", "probe_success{job=\"blackbox\"} == 0", "2m", Severity.Page, "{{ $labels.instance }} can't be reached from outside.", "runbook.md#the-public-site-is-down"),
        new("CertificateExpires", "probe_ssl_earliest_cert_expiry - time() < 14 * 86400", "1h", Severity.Ticket, "The certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}.", "runbook.md#a-certificate-expires"),
        new("BackendDown", "up{job=\"api\"} == 0", "2m", Severity.Ticket, "{{ $labels.node }} does not answer.", "runbook.md#a-backend-is-down"),
        new("RegionWithoutBackend", "sum by (region) (up{job=\"api\"}) == 0", "1m", Severity.Page, "No backend of {{ $labels.region }} answers: its customers are served by another region.", "runbook.md#a-region-has-no-backend"),
        new("RequestsFail", Queries.FailedShare + " > 0.02", "5m", Severity.Page, "{{ $value | humanizePercentage }} of the requests in {{ $labels.region }} fail.", "runbook.md#requests-fail"),
        new("RequestsAreSlow", $"histogram_quantile(0.99, sum by (region, le) ({Queries.DurationBuckets})) > 2", "10m", Severity.Ticket, "One request of a hundred in {{ $labels.region }} takes {{ $value | humanizeDuration }} or more.", "runbook.md#requests-are-slow"),
    ];

    private static readonly AlertRule[] Database =
    [
        new("DatabaseDown", "up{job=\"postgres\"} == 0 or pg_up == 0", "1m", Severity.Page, "PostgreSQL of {{ $labels.node }} does not answer.", "runbook.md#a-database-server-is-down"),
        new("ConnectionsRunOut", "sum by (node) (pg_stat_activity_count) / on (node) group_left () max by (node) (pg_settings_max_connections) > 0.85", "5m", Severity.Ticket, "{{ $labels.node }} has {{ $value | humanizePercentage }} of its connections in use.", "runbook.md#connections-run-out"),
        new("TransactionIdsRunOut", "max by (node) (pg_database_wraparound_age_datfrozenxid_seconds) > 1e9", "1h", Severity.Ticket, "{{ $labels.node }} needs a vacuum to freeze.", "runbook.md#transaction-ids-run-out"),
        new("ShardIsLarge", $"{Queries.SplittableShardBytes} > 3 * {Queries.MedianShardBytes} and {Queries.SplittableShardBytes} > 1024 * 1024 * 1024", "1h", Severity.Ticket, "Shard {{ $labels.shard }} of {{ $labels.group }} has {{ $value | humanize1024 }}B, more than three times the median.", "runbook.md#a-shard-is-large"),
    ];

    private static readonly AlertRule[] Replication =
    [
        new("PrimaryLost", "max by (group) (dinehub_database_primary_up) == 0", "30s", Severity.Page, "{{ $labels.group }} has no primary: its restaurants can't be served.", "failover.md"),
        new("DurabilityLost", "min by (group) (dinehub_database_durability_kept) == 0", "1m", Severity.Page, "Orders of {{ $labels.group }} are on one disk only.", "failover.md#what-happens"),
        new("StandbyNotStreaming", "max by (group) (dinehub_database_replica_streaming) == 0", "5m", Severity.Page, "The standby of {{ $labels.group }} does not stream.", "failover.md#what-happens"),
        new("StandbyLags", "max by (group) (dinehub_database_replica_lag_bytes) > 256 * 1024 * 1024", "10m", Severity.Ticket, "The standby of {{ $labels.group }} is {{ $value | humanize1024 }}B behind.", "failover.md#what-happens"),
        new("PreparedTransactionLeft", "max by (group) (dinehub_database_prepared_transaction_age_seconds) > 15", "1m", Severity.Ticket, "A transaction of {{ $labels.group }} was prepared {{ $value | humanizeDuration }} ago and holds its locks.", "runbook.md#a-prepared-transaction-is-left"),
        new("KeeperDown", "up{job=\"keeper\"} == 0", "5m", Severity.Ticket, "The keeper on {{ $labels.node }} is down. While the one on its partner runs, that one keeps the group's durability.", "failover.md#a-keeper-is-down"),
    ];

    private static readonly AlertRule[] Vote =
    [
        new("PrimaryLost", "max by (scope) (patroni_primary{job=\"patroni\"}) == 0", "1m", Severity.Page, "No server of {{ $labels.scope }} is a primary.", "failover.md#by-vote-patroni-and-a-third-site"),
        new("PatroniDown", "up{job=\"patroni\"} == 0", "3m", Severity.Page, "Patroni of {{ $labels.node }} does not answer.", "failover.md#by-vote-patroni-and-a-third-site"),
        new("StandbyNotStreaming", "patroni_replica == 1 unless patroni_postgres_streaming == 1", "5m", Severity.Page, "{{ $labels.node }} does not stream.", "failover.md#by-vote-patroni-and-a-third-site"),
    ];

    private static readonly AlertRule[] Backups =
    [
        new("BackupIsOld", $"{Queries.BackupAge} > {BackupDeadline}", "10m", Severity.Page, "The newest backup of {{ $labels.group }} is {{ $value | humanizeDuration }} old.", "backups.md"),
        new("BackupFailed", "dinehub_backup_last_attempt_success == 0", "10m", Severity.Ticket, "The last backup of {{ $labels.group }} on {{ $labels.node }} has failed.", "backups.md"),
    ];

    public static PublishedFile Write(ClusterTopology topology)
    {
        List<(string Group, IEnumerable<AlertRule> Rules)> groups = [("machines", Machines), ("service", Service), ("database", Database)];
        if (topology.Failover == Failover.Vote)
        {
            groups.Add(("replication", Vote));
        }
        else if (topology.OfRole(Role.Standby).Any())
        {
            groups.Add(("replication", Replication));
        }

        // A comparison ignores absent metrics: each group's metric must exist.
        var absent = topology.Nodes.Where(node => node.Role is Role.Coordinator or Role.Worker).Select(node => new AlertRule(
            "BackupIsAbsent",
            $"absent(dinehub_backup_last_success_timestamp_seconds{{group=\"{node.Name}\"}})",
            "3h",
            Severity.Page,
            $"No backup of {node.Name} is known.",
            "backups.md")
        { Group = node.Name });
        groups.Add(("backups", Backups.Concat(absent)));
        return new PublishedFile(Path, PublishedYaml.Write([Header.Line], new Dictionary<string, object>
        {
            ["groups"] = groups.Select(group => new Dictionary<string, object> { ["name"] = group.Group, ["rules"] = group.Rules.Select(Write).ToList() }).ToList(),
        }));
    }

    /// <summary>The pages that rules name.</summary>
    internal static IEnumerable<string> Runbooks =>
        new[] { Machines, Service, Database, Replication, Vote, Backups }.SelectMany(rules => rules).Select(rule => rule.Runbook).Distinct();

    private static Dictionary<string, object> Write(AlertRule rule) => new()
    {
        ["alert"] = rule.Name,
        ["expr"] = rule.Expression,
        ["for"] = rule.For,
        ["labels"] = Labels(rule),
        ["annotations"] = new Dictionary<string, object> { ["summary"] = rule.Summary, ["runbook"] = "docs/" + rule.Runbook },
    };

    private static Dictionary<string, object> Labels(AlertRule rule)
    {
        var labels = new Dictionary<string, object> { ["severity"] = PublishedName.Of(rule.Severity) };
        if (rule.Group is { } group)
        {
            labels["group"] = group;
        }

        return labels;
    }
}
