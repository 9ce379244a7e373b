using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>Grafana's dashboards (Grafana documentation, "JSON model").</summary>
internal static class Dashboards
{
    private const int Columns = 2;
    private const int Width = 24 / Columns;
    private const int Height = 8;
    private const int SchemaVersion = 39;
    private const string DataSource = "prometheus";

    private static readonly (string Name, string Title, Panel[] Panels)[] All =
    [
        ("service", "Service",
        [
            new("Orders placed each minute", "short", ("sum by (region) (60 * rate(dinehub_orders_total{status=\"Placed\"}[5m]))", "{{region}}")),
            new("Orders by stage", "short", ("sum by (status) (60 * rate(dinehub_orders_total[5m]))", "{{status}}")),
            new("Requests", "reqps", ("sum by (region) (rate(http_server_request_duration_seconds_count{job=\"api\"}[5m]))", "{{region}}")),
            new("Failed requests", "percentunit", (Queries.FailedShare, "{{region}}")),
            new("Duration", "s",
                ($"histogram_quantile(0.5, sum by (le) ({Queries.DurationBuckets}))", "half"),
                ($"histogram_quantile(0.99, sum by (le) ({Queries.DurationBuckets}))", "99 of 100")),
            new("Backends that answer", "short", ("sum by (region) (up{job=\"api\"})", "{{region}}")),
            new("Time until an order leaves a stage", "s", ("histogram_quantile(0.5, sum by (status, le) (rate(dinehub_order_stage_duration_seconds_bucket[1h])))", "{{status}}")),
            new("Seen from outside", "short", ("probe_success{job=\"blackbox\"}", "{{instance}}")),
        ]),
        ("ingress", "Ingresses",
        [
            new("Requests", "reqps", ("rate(nginx_http_requests_total[5m])", "{{node}}")),
            new("Connections", "short", ("nginx_connections_active", "{{node}}")),
            new("Connections that were dropped", "short", ("rate(nginx_connections_accepted[5m]) - rate(nginx_connections_handled[5m])", "{{node}}")),
            new("Days until the certificate ends", "short", ("(probe_ssl_earliest_cert_expiry - time()) / 86400", "{{instance}}")),
        ]),
        ("database", "Database",
        [
            new("Behind the primary", "bytes", ("dinehub_database_replica_lag_bytes", "{{group}}")),
            new("Behind the primary", "s", ("dinehub_database_replica_lag_time_seconds", "{{group}}")),
            new("Durability kept", "short", ("min by (group) (dinehub_database_durability_kept)", "{{group}}")),
            new("Standby streams", "short", ("max by (group) (dinehub_database_replica_streaming)", "{{group}}")),
            new("Sessions", "short", ("sum by (node) (pg_stat_activity_count)", "{{node}}")),
            new("Transactions", "short", ("sum by (node) (rate(pg_stat_database_xact_commit[5m]))", "{{node}}")),
            new("Hours since the last backup", "short", ($"({Queries.BackupAge}) / 3600", "{{group}}")),
            new("Data volume in use", "percentunit", ("1 - node_filesystem_avail_bytes{mountpoint=\"/var/lib/dinehub-postgres\"} / node_filesystem_size_bytes", "{{node}}")),
        ]),
        ("machines", "Machines",
        [
            new("Processor in use", "percentunit", ("1 - avg by (node) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", "{{node}}")),
            new("Memory in use", "percentunit", ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{node}}")),
            new("Root disk in use", "percentunit", ("1 - node_filesystem_avail_bytes{mountpoint=\"/\"} / node_filesystem_size_bytes", "{{node}}")),
            new("Disk is busy", "percentunit", ("max by (node) (rate(node_disk_io_time_seconds_total[5m]))", "{{node}}")),
            new("Received over the mesh", "Bps", ("rate(node_network_receive_bytes_total{device=\"tailscale0\"}[5m])", "{{node}}")),
            new("Units that have failed", "short", ("sum by (node) (node_systemd_unit_state{state=\"failed\"})", "{{node}}")),
        ]),
    ];

    public static IEnumerable<PublishedFile> Write(ClusterTopology topology) =>
        All.Select(one => new PublishedFile($"generated/grafana/{one.Name}.json", PublishedJson.Write(new JsonObject
        {
            ["uid"] = $"{topology.Name}-{one.Name}",
            ["title"] = $"{topology.Name}: {one.Title}",
            ["description"] = Header.Line,
            ["tags"] = PublishedJson.Array([topology.Name]),
            ["timezone"] = "utc",
            ["editable"] = false,
            ["schemaVersion"] = SchemaVersion,
            ["refresh"] = "30s",
            ["time"] = new JsonObject { ["from"] = "now-6h", ["to"] = "now" },
            ["panels"] = new JsonArray([.. one.Panels.Select((panel, i) => (JsonNode)Write(panel, i))]),
        })));

    /// <summary>Every query of every dashboard.</summary>
    internal static IEnumerable<string> Expressions => All.SelectMany(one => one.Panels).SelectMany(panel => panel.Queries).Select(query => query.Expression);

    private static JsonObject Write(Panel panel, int place) => new()
    {
        ["id"] = place + 1,
        ["type"] = "timeseries",
        ["title"] = panel.Title,
        ["datasource"] = Source(),
        ["gridPos"] = new JsonObject { ["x"] = place % Columns * Width, ["y"] = place / Columns * Height, ["w"] = Width, ["h"] = Height },
        ["fieldConfig"] = new JsonObject { ["defaults"] = new JsonObject { ["unit"] = panel.Unit, ["min"] = 0 }, ["overrides"] = new JsonArray() },
        ["targets"] = new JsonArray([.. panel.Queries.Select((query, i) => (JsonNode)new JsonObject
        {
            ["refId"] = ((char)('A' + i)).ToString(),
            ["datasource"] = Source(),
            ["expr"] = query.Expression,
            ["legendFormat"] = query.Legend,
        })]),
    };

    private static JsonObject Source() => new() { ["type"] = "prometheus", ["uid"] = DataSource };
}
