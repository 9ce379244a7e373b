using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Migrations;

/// <summary>
/// Finds what holds the locks that a session waits for. On Citus the session's statement may wait on any node, for a transaction that entered at
/// any other. The role needs <c>pg_read_all_stats</c> on every node.
/// </summary>
internal sealed partial class LockHolders
{
    private const int MaxQueryLength = 100;

    private const string Columns = """
        activity.pid, activity.usename::text, activity.application_name, coalesce(host(activity.client_addr), 'a local socket'), activity.state,
        activity.query, extract(epoch FROM clock_timestamp() - activity.xact_start)::float8
        """;

    private const string OnThisNode = $"""
        SELECT {Columns}, ''
        FROM pg_stat_activity AS activity WHERE activity.pid = ANY (pg_blocking_pids($1)) ORDER BY activity.xact_start
        """;

    // A global process id is the node's id and the process id on it (docs.citusdata.com, "citus_backend_gpid"): that of the session that a client
    // opened, wherever its statement waits or holds.
    private const string OnAllNodes = $"""
        WITH blocking AS MATERIALIZED (
            SELECT DISTINCT blocking_gpid AS gpid FROM citus_lock_waits WHERE waiting_gpid = citus_backend_gpid() - pg_backend_pid() + $1)
        SELECT {Columns}, node.nodename || ':' || node.nodeport
        FROM blocking
        JOIN citus_stat_activity AS activity
          ON activity.nodeid = citus_nodeid_for_gpid(blocking.gpid) AND activity.pid = citus_pid_for_gpid(blocking.gpid)
        JOIN pg_dist_node AS node ON node.nodeid = activity.nodeid
        ORDER BY activity.xact_start
        """;

    // It has no process, and so no row above.
    private const string Prepared = """
        SELECT format('the prepared transaction ''%s'' of %s, for %s s', gid, owner, extract(epoch FROM clock_timestamp() - prepared)::integer)
        FROM pg_prepared_xacts WHERE database = current_database()
        """;

    private const string PreparedOnThisNode = $"{Prepared} AND 0 = ANY (pg_blocking_pids($1))";

    private const string PreparedOnAllNodes = $"""
        SELECT format('perhaps %s, on %s:%s', line, node.nodename, node.nodeport)
        FROM run_command_on_all_nodes($1) AS answer
        JOIN pg_dist_node AS node ON node.nodeid = answer.nodeid
        CROSS JOIN unnest(string_to_array(answer.result, E'\n')) AS line
        WHERE answer.success AND line <> ''
        """;

    private readonly NpgsqlConnection connection;
    private readonly int waiting;
    private readonly bool isCitus;

    private LockHolders(NpgsqlConnection connection, int waiting, bool isCitus)
    {
        this.connection = connection;
        this.waiting = waiting;
        this.isCitus = isCitus;
    }

    /// <summary>Prepares the search.</summary>
    /// <param name="connection">A connection to the node that the session entered at; it must not be the session's.</param>
    /// <param name="waiting">The session's process id.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<LockHolders> OfAsync(NpgsqlConnection connection, int waiting, CancellationToken ct) =>
        new(connection, waiting, await connection.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", ct));

    /// <summary>The holders, the oldest transaction first: process, node, role, application, address, state, age and query.</summary>
    /// <param name="ct">Cancels it.</param>
    /// <returns>A phrase for each; none where the session does not wait now.</returns>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken ct)
    {
        var here = $"{connection.Host}:{connection.Port}";
        var found = await connection.ListAsync(isCitus ? OnAllNodes : OnThisNode, row => Describe(row, here), ct, waiting);
        if (found.Count > 0)
        {
            return found;
        }

        return isCitus
            ? await connection.ListAsync(PreparedOnAllNodes, row => row.GetString(0), ct, $"SELECT string_agg(line, E'\\n') FROM ({Prepared} AND prepared < clock_timestamp() - interval '1 second') AS prepared (line)")
            : await connection.ListAsync(PreparedOnThisNode, row => row.GetString(0), ct, waiting);
    }

    /// <summary>A query for a message: one line, without literals, which may be a customer's name or address, and at most 100 characters.</summary>
    /// <param name="query">The query, as pg_stat_activity has it: it may end anywhere.</param>
    internal static string Shorten(string query)
    {
        var line = Spaces().Replace(Literal().Replace(query, "'…'"), " ").Trim();
        return line.Length <= MaxQueryLength ? line : string.Concat(line.AsSpan(0, MaxQueryLength - 1), "…");
    }

    private static string Describe(NpgsqlDataReader row, string here)
    {
        string Text(int column, string otherwise) => row.IsDBNull(column) || row.GetString(column).Length == 0 ? otherwise : row.GetString(column);

        var age = row.IsDBNull(6) ? "no transaction" : string.Create(CultureInfo.InvariantCulture, $"{row.GetDouble(6):0.0} s");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"process {row.GetInt32(0)} on {Text(7, here)} ({Text(1, "no role")}, application '{Text(2, "")}' from {Text(3, "")}, {Text(4, "no state")}, transaction open for {age}, last query: {Shorten(Text(5, "none"))})");
    }

    // Quoted text with either escape, dollar-quoted text, and numbers as long as those of telephones.
    [GeneratedRegex(@"[eE]?'(\\.|''|[^'\\])*('|\z)|\$(?<tag>\w*)\$.*?(\$\k<tag>\$|\z)|\b\d{5,}\b", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Literal();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
