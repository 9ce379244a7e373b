namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>What is both shown and alerted on, in PromQL.</summary>
internal static class Queries
{
    /// <summary>The share of requests that fail, by region, 0 to 1.</summary>
    public const string FailedShare =
        "sum by (region) (rate(http_server_request_duration_seconds_count{job=\"api\",http_response_status_code=~\"5..\"}[5m])) / sum by (region) (rate(http_server_request_duration_seconds_count{job=\"api\"}[5m]))";

    /// <summary>How fast each bucket of durations grows; streams of events last as long as somebody listens.</summary>
    public const string DurationBuckets = "rate(http_server_request_duration_seconds_bucket{job=\"api\",http_route!~\".*/events.*\"}[5m])";

    /// <summary>How old the newest backup of each group is, in seconds.</summary>
    public const string BackupAge = "time() - max by (group) (dinehub_backup_last_success_timestamp_seconds)";

    /// <summary>The size of each shard group that could be split, in bytes: an isolated restaurant's cannot.</summary>
    public const string SplittableShardBytes = "max by (group, shard) (dinehub_database_shard_size_bytes{isolated=\"false\"})";

    /// <summary>The median of all shard groups' sizes, in bytes.</summary>
    public const string MedianShardBytes = "scalar(quantile(0.5, max by (group, shard) (dinehub_database_shard_size_bytes)))";
}
