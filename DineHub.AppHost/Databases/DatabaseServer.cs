using System.Globalization;
using DineHub.AppHost.Running;
using DineHub.Topology;
using Npgsql;

namespace DineHub.AppHost.Databases;

/// <summary>A PostgreSQL server of the cluster on this machine, as a process or as a container: where it is, and where its data is.</summary>
/// <param name="Node">The node that it is.</param>
/// <param name="Port">Its TCP port on 127.0.0.1.</param>
/// <param name="Home">Its folder, which the server's user owns.</param>
/// <param name="Peer">Where the other servers reach it; null where that is the same.</param>
internal sealed record DatabaseServer(Node Node, int Port, string Home, (string Host, int Port)? Peer = null)
{
    /// <summary>The server's name in the topology.</summary>
    public string Name => Node.Name;

    /// <summary>The address that programs on this machine reach it by.</summary>
    public string Host { get; } = "127.0.0.1";

    /// <summary>The name of its group: its home primary's.</summary>
    public string Group => Node.Follows ?? Name;

    /// <summary>The data folder of a server process.</summary>
    public string DataDirectory => Path.Combine(Home, "pgdata");

    /// <summary>The superuser's connection string. Secret.</summary>
    /// <param name="database">The database.</param>
    /// <param name="password">The superuser's password.</param>
    public string AdminConnectionString(string database, string password) => new NpgsqlConnectionStringBuilder
    {
        Host = Host,
        Port = Port,
        Database = database,
        Username = "postgres",
        Password = password,
        Timeout = 5,
    }.ConnectionString;

    /// <summary>Its address in a list of hosts.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    /// <summary>Why it is not ready: it does not answer, or is in recovery without being a standby.</summary>
    /// <param name="password">The superuser's password.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>One sentence; null where it is ready.</returns>
    /// <exception cref="RefusalException">It will never be.</exception>
    public async Task<string?> ProblemAsync(string password, CancellationToken ct)
    {
        try
        {
            return await IsAsync("NOT pg_is_in_recovery() OR (pg_stat_file('standby.signal', missing_ok => true)).size IS NOT NULL", password, ct) ? null : "It is in recovery.";
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new RefusalException("refuses the password of this data folder; start over with --fresh.", e);
        }
        catch (NpgsqlException e)
        {
            return e.Message.Split('\n')[0];
        }
    }

    /// <summary>Asks it whether a condition holds.</summary>
    /// <param name="condition">The condition, in SQL.</param>
    /// <param name="password">The superuser's password.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="NpgsqlException">It does not answer.</exception>
    public async Task<bool> IsAsync(string condition, string password, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(AdminConnectionString("postgres", password) + ";Pooling=false");
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand($"SELECT {condition}", connection);
        return await command.ExecuteScalarAsync(ct) is true;
    }
}
