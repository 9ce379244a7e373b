using DineHub.Database.Cluster;
using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>How a database sorts and stores text.</summary>
/// <param name="Encoding">The encoding: <c>UTF8</c>.</param>
/// <param name="Collate"><c>datcollate</c>.</param>
/// <param name="Ctype"><c>datctype</c>.</param>
/// <param name="Provider"><c>datlocprovider</c> (c, i, b), with ICU's locale behind a slash.</param>
/// <param name="Version">The version of the library that sorts, as the server has it now; null where it has none (C).</param>
public sealed record TextRules(string Encoding, string Collate, string Ctype, string Provider, string? Version);

/// <summary>What a server answers that must fit the other nodes.</summary>
/// <param name="Node">The server's name.</param>
/// <param name="Version">PostgreSQL's version as a number: 150018 is 15.18.</param>
/// <param name="PreloadedLibraries">The setting <c>shared_preload_libraries</c>.</param>
/// <param name="CitusPackage">The newest version of the extension citus that is installed on the machine; null without the package.</param>
/// <param name="CitusLibrary">The version of Citus's library that the server has loaded; null where it has not.</param>
/// <param name="CitusExtension">The version of the extension in the database; null where it has none yet.</param>
/// <param name="MaxPreparedTransactions">The setting <c>max_prepared_transactions</c>, from 0.</param>
/// <param name="WalLevel">The setting <c>wal_level</c>.</param>
/// <param name="ClockOffset">How far the server's clock is ahead of this machine's.</param>
/// <param name="ClockUncertainty">How far <paramref name="ClockOffset"/> may be wrong: half of the request's time.</param>
/// <param name="Text">The text rules of the database, or of template1 where it is not made yet.</param>
public sealed record NodeFacts(
    string Node,
    int Version,
    string PreloadedLibraries,
    string? CitusPackage,
    string? CitusLibrary,
    string? CitusExtension,
    int MaxPreparedTransactions,
    string WalLevel,
    TimeSpan ClockOffset,
    TimeSpan ClockUncertainty,
    TextRules Text)
{
    /// <summary>Whether it follows another server: what is not in its catalogs may be of another minor version for a while.</summary>
    public bool IsStandby { get; init; }

    // The row of pg_database as JSON: its columns differ between versions of PostgreSQL.
    private const string Question = """
        SELECT current_setting('server_version_num')::integer,
               current_setting('shared_preload_libraries'),
               (SELECT default_version FROM pg_available_extensions WHERE name = 'citus'),
               current_setting('citus.version', true),
               (SELECT extversion FROM pg_extension WHERE extname = 'citus'),
               current_setting('max_prepared_transactions')::integer,
               current_setting('wal_level'),
               pg_encoding_to_char(database.encoding),
               database.datcollate::text,
               database.datctype::text,
               coalesce(to_jsonb(database) ->> 'datlocprovider', 'c')
                 || coalesce('/' || coalesce(to_jsonb(database) ->> 'datlocale', to_jsonb(database) ->> 'daticulocale'), ''),
               %1
        FROM pg_database AS database WHERE database.datname IN ('template1', $1) ORDER BY database.datname = $1 DESC LIMIT 1
        """;

    /// <summary>Asks a server.</summary>
    /// <param name="connection">A superuser's connection to the database, or to another one where it is not made yet.</param>
    /// <param name="node">The server's name.</param>
    /// <param name="ct">Cancels it.</param>
    internal static async Task<NodeFacts> AskAsync(NpgsqlConnection connection, string node, CancellationToken ct)
    {
        // By a short request of its own, so that half of its time is a small error.
        var before = TimeProvider.System.GetUtcNow();
        var start = TimeProvider.System.GetTimestamp();
        var theirs = await connection.ScalarAsync<DateTime>("SELECT clock_timestamp()", ct);
        var half = TimeProvider.System.GetElapsedTime(start) / 2;
        var offset = new DateTimeOffset(theirs) - (before + half);

        // PostgreSQL 15 has the first function that tells.
        var collationVersion = connection.PostgreSqlVersion.Major >= 15 ? "pg_database_collation_actual_version(database.oid)" : "NULL::text";
        return (await connection.ListAsync(
            Question.Replace("%1", collationVersion, StringComparison.Ordinal),
            row => new NodeFacts(
                node,
                row.GetInt32(0),
                row.GetString(1),
                Optional(row, 2),
                Optional(row, 3),
                Optional(row, 4),
                row.GetInt32(5),
                row.GetString(6),
                offset,
                half,
                new TextRules(row.GetString(7), row.GetString(8), row.GetString(9), row.GetString(10), Optional(row, 11))),
            ct,
            DatabaseOptions.DatabaseName))[0];
    }

    private static string? Optional(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
