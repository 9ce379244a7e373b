using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DineHub.Database.Connections;
using DineHub.Database.Engines;
using Npgsql;
using NpgsqlTypes;
using Polly;
using Polly.Retry;

namespace DineHub.Api.Data;

/// <summary>
/// Short forms for statements with positional parameters ($1, $2 …), and for documents in columns. They return only when the statement
/// has committed by all rules of the database: see <see cref="RefuseIfCancelled"/>.
/// </summary>
internal static class Sql
{
    /// <summary>
    /// Stock PostgreSQL runs statements on the workers at REPEATABLE READ: where Citus would wait and look again, it fails with 40001.
    /// Nothing was written then, and another try sees what the other transaction has done. So it is on Citus with a statement that was planned for a shard
    /// which <c>db isolate</c> has just split.
    /// </summary>
    public static ResiliencePipeline RetryConflicts { get; } = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<PostgresException>(
                e => e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected || CitusErrors.MeaningOf(e) == CitusFailure.ShardSplit),
            MaxRetryAttempts = 20,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(5),
            MaxDelay = TimeSpan.FromMilliseconds(250),
            UseJitter = true,
        })
        .Build();

    public static Task<int> ExecuteAsync(this ApiConnections connections, string sql, CancellationToken ct, params object?[] parameters) =>
        connections.RunAsync((connection, token) => ExecuteAsync(connection, sql, parameters, token), ct);

    /// <summary>A statement that takes place once however often it is run.</summary>
    public static Task<int> ExecuteRepeatableAsync(this ApiConnections connections, string sql, CancellationToken ct, params object?[] parameters) =>
        connections.RunAsync((connection, token) => ExecuteAsync(connection, sql, parameters, token), ct, repeatable: true);

    public static Task<List<T>> ListAsync<T>(
        this ApiConnections connections, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params object?[] parameters) =>
        connections.RunAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(sql, connection).With(parameters);
                await using var reader = await command.ExecuteReaderAsync(token);
                var rows = new List<T>();
                while (await reader.ReadAsync(token))
                {
                    rows.Add(read(reader));
                }

                await EndAsync(reader, token);
                return rows;
            },
            ct,
            IsRead(sql));

    /// <summary>The first row; null where there is none.</summary>
    public static Task<T?> FirstAsync<T>(
        this ApiConnections connections, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params object?[] parameters)
        where T : class =>
        connections.RunAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(sql, connection).With(parameters);
                await using var reader = await command.ExecuteReaderAsync(token);
                var row = await reader.ReadAsync(token) ? read(reader) : null;
                await EndAsync(reader, token);
                return row;
            },
            ct,
            IsRead(sql));

    /// <summary>
    /// Statements that take place together or not at all, on one shard; tried again after a conflict. A batch alone is no transaction: on Citus, entered at a node that
    /// does not hold the shard, each of its statements commits by itself.
    /// </summary>
    /// <param name="connections">The database.</param>
    /// <param name="action">The statements.</param>
    /// <param name="ct">Cancels them.</param>
    /// <param name="commits">Whether what they came to is to be kept; always, where it is not given.</param>
    /// <param name="repeatable">Whether they take place once however often they are run.</param>
    public static async Task<T> TransactAsync<T>(
        this ApiConnections connections,
        Func<NpgsqlConnection, CancellationToken, Task<T>> action,
        CancellationToken ct,
        Func<T, bool>? commits = null,
        bool repeatable = false) =>
        await RetryConflicts.ExecuteAsync(
            async token => await connections.RunAsync(
                async (connection, end) =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(end);
                    var result = await action(connection, end);
                    if (commits?.Invoke(result) is not false)
                    {
                        await transaction.CommitAsync(end);
                        RefuseIfCancelled(end);
                    }

                    return result;
                },
                token,
                repeatable),
            ct);

    /// <summary>
    /// To be asked after a statement that writes, or its commit. A cancelled statement may still succeed: the cancel request ends a commit's
    /// wait for the synchronous standby with a success and a warning, which may be read before Npgsql breaks the connection
    /// (NpgsqlConnector.PerformUserCancellationUnsynchronized). Nothing may be acknowledged that such a request was sent for.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled; whether it took place is unknown.</exception>
    public static void RefuseIfCancelled(CancellationToken ct) => ct.ThrowIfCancellationRequested();

    public static NpgsqlCommand With(this NpgsqlCommand command, params ReadOnlySpan<object?> parameters)
    {
        Add(command.Parameters, parameters);
        return command;
    }

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, params ReadOnlySpan<object?> parameters)
    {
        Add(command.Parameters, parameters);
        return command;
    }

    /// <summary>A document as a parameter.</summary>
    public static NpgsqlParameter Json<T>(T document, JsonTypeInfo<T> type) =>
        new() { Value = JsonSerializer.Serialize(document, type), NpgsqlDbType = NpgsqlDbType.Jsonb };

    /// <summary>A document of a row.</summary>
    public static T GetJson<T>(this NpgsqlDataReader row, int ordinal, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(ordinal), type)
        ?? throw new InvalidDataException($"Column {row.GetName(ordinal)} holds null.");

    public static T? GetNullable<T>(this NpgsqlDataReader row, int ordinal)
        where T : struct => row.IsDBNull(ordinal) ? null : row.GetFieldValue<T>(ordinal);

    public static string? GetNullableString(this NpgsqlDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);

    /// <summary>PostgreSQL keeps microseconds: cut to them, so that what is answered first equals what is read later.</summary>
    public static DateTimeOffset ToMicroseconds(this DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));

    private static bool IsRead(string sql) => sql.StartsWith("SELECT", StringComparison.Ordinal);

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, object?[] parameters, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection).With(parameters);
        var count = await command.ExecuteNonQueryAsync(ct);
        RefuseIfCancelled(ct);
        return count;
    }

    // Rows may come before the commit that they are of, and a reader that is disposed of keeps to itself that the rest did not come in time
    // (NpgsqlDataReader.Close): a row of UPDATE … RETURNING says nothing until the end was read.
    private static async Task EndAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        while (await reader.NextResultAsync(ct))
        {
        }

        RefuseIfCancelled(ct);
    }

    private static void Add(NpgsqlParameterCollection collection, ReadOnlySpan<object?> parameters)
    {
        foreach (var parameter in parameters)
        {
            // A copy, because a parameter belongs to one command, and a statement may be tried again.
            collection.Add((parameter as NpgsqlParameter)?.Clone() ?? new NpgsqlParameter { Value = parameter ?? DBNull.Value });
        }
    }
}
