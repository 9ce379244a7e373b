using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>Short forms for administrative statements.</summary>
internal static class NpgsqlConnectionExtensions
{
    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = connection.CreateCommand(sql, parameters);
        return await command.ExecuteNonQueryAsync(ct);
    }

    public static async Task<T?> ScalarAsync<T>(this NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = connection.CreateCommand(sql, parameters);
        return await command.ExecuteScalarAsync(ct) is T value ? value : default;
    }

    public static async Task<List<T>> ListAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params object[] parameters)
    {
        await using var command = connection.CreateCommand(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>
    /// Runs a utility statement, which takes no parameters, with names and literals quoted by the server's own <c>format()</c>
    /// (%I an identifier, %L a literal).
    /// </summary>
    public static async Task ExecuteFormattedAsync(this NpgsqlConnection connection, string format, CancellationToken ct, params string[] arguments) =>
        await connection.ExecuteAsync(await connection.FormatAsync(format, arguments, ct), ct);

    /// <summary>Counts a table's rows.</summary>
    public static async Task<long> CountAsync(this NpgsqlConnection connection, string table, CancellationToken ct) =>
        await connection.ScalarAsync<long>(await connection.FormatAsync("SELECT count(*) FROM %I", [table], ct), ct);

    private static async Task<string> FormatAsync(this NpgsqlConnection connection, string format, string[] arguments, CancellationToken ct) =>
        (await connection.ScalarAsync<string>("SELECT format($1, VARIADIC $2)", ct, format, arguments))!;

    private static NpgsqlCommand CreateCommand(this NpgsqlConnection connection, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }
}
