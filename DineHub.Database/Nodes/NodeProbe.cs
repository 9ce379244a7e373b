using System.Net.Sockets;
using DineHub.Database.Cluster;
using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>What a server is, as far as can be seen from here.</summary>
public enum ServerState
{
    /// <summary>It takes writes.</summary>
    Primary,

    /// <summary>It is in recovery: it follows a primary, or waits for one.</summary>
    Standby,

    /// <summary>Its machine answers and refuses the connection: no server runs there.</summary>
    Down,

    /// <summary>No answer, or none that tells: it may be cut off, hang, or be starting. It may still take writes.</summary>
    Silent,
}

/// <summary>What a server answered.</summary>
/// <param name="Node">The server.</param>
/// <param name="State">What it is.</param>
/// <param name="Timeline">Its timeline, which grows with each promotion; null where it does not answer.</param>
/// <param name="Version">PostgreSQL's version; null where it does not answer.</param>
/// <param name="Records">What it knows of who is whose primary.</param>
/// <param name="Problem">Why it does not answer, in one line.</param>
public sealed record NodeProbe(
    DatabaseNode Node, ServerState State, int? Timeline, string? Version, IReadOnlyList<PrimaryRecord> Records, string? Problem)
{
    /// <summary>Whether it answers.</summary>
    public bool Answers => State is ServerState.Primary or ServerState.Standby;

    /// <summary>Asks a server what it is. Never fails; an answer takes seconds at most.</summary>
    /// <param name="connections">The role to ask as.</param>
    /// <param name="node">The server.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<NodeProbe> AskAsync(NodeConnections connections, DatabaseNode node, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(connections);
        ArgumentNullException.ThrowIfNull(node);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            await using var connection = await OpenAsync(connections, node, deadline.Token);
            var (standby, timeline, version) = (await connection.ListAsync(
                """
                SELECT pg_is_in_recovery(),
                       CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
                            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END,
                       split_part(current_setting('server_version'), ' ', 1)
                """,
                row => (row.GetBoolean(0), row.GetInt32(1), row.GetString(2)),
                deadline.Token))[0];
            return new NodeProbe(
                node, standby ? ServerState.Standby : ServerState.Primary, timeline, version, await PrimaryRecords.ReadAsync(connection, deadline.Token), Problem: null);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            var refused = e is NpgsqlException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } };
            return new NodeProbe(node, refused ? ServerState.Down : ServerState.Silent, null, null, [], e.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>Connects to the database, or to another one before the server is set up.</summary>
    internal static async Task<NpgsqlConnection> OpenAsync(NodeConnections connections, DatabaseNode node, CancellationToken ct)
    {
        try
        {
            return await connections.OpenAsync(node, DatabaseOptions.DatabaseName, ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return await connections.OpenAsync(node, "postgres", ct);
        }
    }
}
