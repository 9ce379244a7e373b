using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using DineHub.Database.Cluster;
using DineHub.Database.Connections;
using DineHub.Database.Nodes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Database.Monitoring;

/// <summary>
/// Asks each primary every 15 s what Citus has counted, by one query: citus_stat_counters, citus_stat_tenants_local and, where pg_stat_statements is installed,
/// citus_stat_statements (docs.citusdata.com, "Citus Tables and Views"). Its metrics are those of the meter <c>DineHub.Database</c>; where Citus is not, or is older
/// than a view, there are none.
/// </summary>
public sealed partial class CitusStatistics : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    // Not more restaurants than that for a node: each is a time series.
    private const int BusiestRestaurants = 5;

    // A row a part, with NULL where the part has nothing to say; a part that is not there is not in the query.
    private const string Counters = """
        SELECT 'counters', NULL, query_execution_single_shard, query_execution_multi_shard,
               connection_establishment_succeeded, connection_establishment_failed, connection_reused
        FROM citus_stat_counters WHERE name = current_database() AND NOT pg_is_in_recovery()
        """;

    // Tenants are accounts, too; those have no business in metrics.
    private static readonly string Tenants = FormattableString.Invariant($"""
        (SELECT 'tenant', restaurant.slug, tenant.query_count_in_this_period::bigint, NULL, NULL, NULL, NULL
         FROM citus_stat_tenants_local AS tenant JOIN restaurants AS restaurant ON restaurant.id::text = tenant.tenant_attribute
         WHERE NOT pg_is_in_recovery()
         ORDER BY tenant.query_count_in_this_period DESC, restaurant.slug LIMIT {BusiestRestaurants})
        """);

    private const string Statements = """
        SELECT 'statements', executor, sum(calls)::bigint, NULL, NULL, NULL, NULL FROM citus_stat_statements WHERE NOT pg_is_in_recovery() GROUP BY executor
        """;

    // Where nothing is tracked the view of the tenants is empty.
    private const string Available = """
        SELECT to_regclass('pg_catalog.citus_stat_counters') IS NOT NULL,
               to_regclass('pg_catalog.citus_stat_tenants_local') IS NOT NULL AND to_regclass('public.restaurants') IS NOT NULL,
               to_regclass('pg_catalog.citus_stat_statements') IS NOT NULL AND EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
        """;

    private readonly IReadOnlyList<DatabaseNode> nodes;
    private readonly NodeConnections connections;
    private readonly TimeProvider time;
    private readonly ILogger<CitusStatistics> logger;
    private readonly ConcurrentDictionary<string, IReadOnlyList<Row>> seen = new();

    /// <summary>Makes an observer; it starts with its host.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="group">The one group that it asks; empty for all.</param>
    /// <param name="time">The clock.</param>
    /// <param name="meters">Makes the meter.</param>
    /// <param name="logger">The log.</param>
    public CitusStatistics(DatabaseOptions options, string group, TimeProvider time, IMeterFactory meters, ILogger<CitusStatistics> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(meters);
        this.time = time;
        this.logger = logger;
        connections = NodeConnections.AsAdministrator(options).Pooled();
        nodes = [.. options.Groups.Where(candidate => group.Length == 0 || candidate.Name == group).SelectMany(candidate => candidate.Members)];
        var meter = meters.Create("DineHub.Database");
        meter.CreateObservableCounter("dinehub.database.citus.queries", Queries, "{query}", "Queries by whether they touched one shard or several.");
        meter.CreateObservableCounter("dinehub.database.citus.connections", Connections, "{connection}", "Connections to other nodes that were opened, failed or were reused.");
        meter.CreateObservableGauge("dinehub.database.citus.restaurant.queries", Restaurants, "{query}", "Queries of the node's busiest restaurants in the current period of citus_stat_tenants.");
        meter.CreateObservableCounter("dinehub.database.citus.statements", StatementCalls, "{statement}", "Executions by the way that Citus executed them, as citus_stat_statements counts them.");
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(nodes.Select(node => WatchAsync(node, stoppingToken)));

    private async Task WatchAsync(DatabaseNode node, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, time);
        string? query = null;
        var failing = false;
        try
        {
            do
            {
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
                deadline.CancelAfter(Deadline);
                try
                {
                    await using var connection = await connections.OpenAsync(node, DatabaseOptions.DatabaseName, deadline.Token);
                    query ??= await QueryAsync(connection, deadline.Token);
                    seen[node.Name] = query is null ? [] : await connection.ListAsync(query, Row.Read, deadline.Token);
                    failing = false;
                }
                catch (Exception e) when (!stop.IsCancellationRequested)
                {
                    // Another version may run there by the next time; until then nothing is known, which is not nothing counted.
                    query = null;
                    seen.TryRemove(node.Name, out _);
                    if (!failing && IsRefused(e))
                    {
                        LogFailed(node.Name, e.Message.Split('\n')[0]);
                        failing = true;
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    // Of servers that do not answer, or are not set up yet, the keeper tells.
    private static bool IsRefused(Exception e) =>
        e is PostgresException { IsTransient: false, SqlState: not PostgresErrorCodes.InvalidCatalogName } && !ConnectionLoss.IsLost(e);

    // Null where there is nothing to ask for.
    private static async Task<string?> QueryAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var (counters, tenants, statements) = (await connection.ListAsync(Available, row => (row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2)), ct))[0];
        var parts = new[] { (counters, Counters), (tenants, Tenants), (statements, Statements) }.Where(part => part.Item1).Select(part => part.Item2).ToList();
        return parts.Count == 0 ? null : string.Join("\nUNION ALL\n", parts);
    }

    private IEnumerable<Measurement<long>> Queries() => Measure("counters", row => [("shards", "one", row.Values[0]), ("shards", "several", row.Values[1])]);

    private IEnumerable<Measurement<long>> Connections() =>
        Measure("counters", row => [("outcome", "opened", row.Values[2]), ("outcome", "failed", row.Values[3]), ("outcome", "reused", row.Values[4])]);

    private IEnumerable<Measurement<long>> Restaurants() => Measure("tenant", row => [("restaurant", row.Key!, row.Values[0])]);

    private IEnumerable<Measurement<long>> StatementCalls() => Measure("statements", row => [("executor", row.Key!, row.Values[0])]);

    private IEnumerable<Measurement<long>> Measure(string part, Func<Row, IEnumerable<(string Label, string Value, long? Count)>> measurements) =>
        from node in seen
        from row in node.Value
        where row.Part == part
        from measured in measurements(row)
        where measured.Count is not null
        select new Measurement<long>(
            measured.Count.GetValueOrDefault(), new KeyValuePair<string, object?>("node", node.Key), new KeyValuePair<string, object?>(measured.Label, measured.Value));

    [LoggerMessage(1, LogLevel.Warning, "The statistics of {Node} could not be read: {Reason}")]
    private partial void LogFailed(string node, string reason);

    private sealed record Row(string Part, string? Key, IReadOnlyList<long?> Values)
    {
        private const int FirstValue = 2;

        public static Row Read(NpgsqlDataReader row) => new(
            row.GetString(0),
            row.IsDBNull(1) ? null : row.GetString(1),
            [.. Enumerable.Range(FirstValue, row.FieldCount - FirstValue).Select(i => row.IsDBNull(i) ? (long?)null : row.GetInt64(i))]);
    }
}
