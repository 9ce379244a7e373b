using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using NpgsqlTypes;
using Polly;
using Polly.Retry;

namespace DineHub.Api;

/// <summary>
/// Short forms for statements with positional parameters ($1, $2 …), and for documents in columns. They return only when the statement
/// has committed by all rules of the database: see <see cref="RefuseIfCancelled"/>.
/// </summary>
internal static class Sql
{
    /// <summary>
    /// Stock PostgreSQL runs statements on the workers at REPEATABLE READ: where Citus would wait and look again, it fails with 40001.
    /// Nothing was written then, and another try sees what the other transaction has done.
    /// </summary>
    public static ResiliencePipeline RetryConflicts { get; } = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<PostgresException>(
                e => e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected),
            MaxRetryAttempts = 20,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(5),
            MaxDelay = TimeSpan.FromMilliseconds(250),
            UseJitter = true,
        })
        .Build();

    public static async Task<int> ExecuteAsync(this NpgsqlDataSource dataSource, string sql, CancellationToken ct, params object?[] parameters)
    {
        await using var command = dataSource.CreateCommand(sql).With(parameters);
        var count = await command.ExecuteNonQueryAsync(ct);
        RefuseIfCancelled(ct);
        return count;
    }

    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlDataSource dataSource, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params object?[] parameters)
    {
        await using var command = dataSource.CreateCommand(sql).With(parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct))
        {
            rows.Add(read(reader));
        }

        await EndAsync(reader, ct);
        return rows;
    }

    /// <summary>The first row; null where there is none.</summary>
    public static async Task<T?> FirstAsync<T>(
        this NpgsqlDataSource dataSource, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params object?[] parameters)
        where T : class
    {
        await using var command = dataSource.CreateCommand(sql).With(parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var row = await reader.ReadAsync(ct) ? read(reader) : null;
        await EndAsync(reader, ct);
        return row;
    }

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
