using Npgsql;

namespace DineHub.Tests.Failover;

/// <summary>Sessions of the API's role that do nothing, and leave none for others but the superuser's.</summary>
internal sealed class IdleSessions : IAsyncDisposable
{
    private const string Name = "idle";

    private readonly List<NpgsqlConnection> sessions = [];
    private readonly NpgsqlDataSource idle;
    private readonly NpgsqlConnection superuser;

    private IdleSessions(NpgsqlDataSource idle, NpgsqlConnection superuser) => (this.idle, this.superuser) = (idle, superuser);

    /// <summary>Takes the idle connections of a server.</summary>
    public static async Task<IdleSessions> TakeFreeAsync(FailoverFixture fixture, string server)
    {
        await using var superuser = fixture.Connect(server);
        var idle = fixture.Connect(server, DineHub.Database.Cluster.DatabaseOptions.ApiRole, Name);
        var taken = new IdleSessions(idle, await superuser.OpenConnectionAsync());
        await taken.TakeAsync();
        return taken;
    }

    /// <summary>Takes also those that are in use.</summary>
    public Task TakeAllAsync() => Eventually.TrueAsync(
        async () =>
        {
            await using var end = new NpgsqlCommand($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'dinehub_api' AND application_name <> '{Name}'", superuser);
            var ended = (long)(await end.ExecuteScalarAsync())!;
            await TakeAsync();
            return ended == 0;
        },
        "all connections are taken");

    /// <summary>The sessions that the API has on a server.</summary>
    public static async Task<HashSet<int>> OfTheApiAsync(FailoverFixture fixture, string server)
    {
        await using var superuser = fixture.Connect(server);
        await using var command = superuser.CreateCommand("SELECT pid FROM pg_stat_activity WHERE application_name = 'dinehub-api'");
        await using var reader = await command.ExecuteReaderAsync();
        var sessions = new HashSet<int>();
        while (await reader.ReadAsync())
        {
            sessions.Add(reader.GetInt32(0));
        }

        return sessions;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in sessions)
        {
            await session.DisposeAsync();
        }

        await superuser.DisposeAsync();
        await idle.DisposeAsync();
    }

    private async Task TakeAsync()
    {
        while (true)
        {
            try
            {
                sessions.Add(await idle.OpenConnectionAsync());
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
            {
                return;
            }
        }
    }
}
