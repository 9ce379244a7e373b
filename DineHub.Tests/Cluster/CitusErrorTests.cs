using DineHub.Api.Http.Errors;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using DineHub.Tests.Hosting;
using Npgsql;

namespace DineHub.Tests.Cluster;

/// <summary>Errors of Citus without an SQLSTATE, as Citus sends them.</summary>
[Collection(ClusterCollection.Name)]
public sealed class CitusErrorTests(ClusterFixture fixture)
{
    private const string Change = "UPDATE orders SET total = total WHERE restaurant_id = $1";

    private readonly DatabaseOptions options = ClusterFixture.OptionsOf(fixture.Cluster);

    [CitusFact]
    public async Task Commit_whose_worker_is_lost_has_an_unknown_outcome()
    {
        var (worker, restaurant) = AnyPlace();
        await using var api = await OpenAsync(fixture.Cluster.Coordinator, DatabaseOptions.ApiRole);
        await using var transaction = await api.BeginTransactionAsync();
        await api.ExecuteAsync(Change, default, restaurant);
        await EndSessionsOfAsync(api, worker);

        var error = await Should.ThrowAsync<PostgresException>(() => transaction.CommitAsync());
        CitusErrors.MeaningOf(error).ShouldBe(CitusFailure.OutcomeUnknown, error.ToString());
        DatabaseUnavailableHandler.IsUnavailable(error).ShouldBeTrue();
    }

    [CitusFact]
    public async Task Commit_in_two_phases_whose_worker_is_lost_is_a_lost_connection()
    {
        var (worker, restaurant) = AnyPlace();
        await using var api = await OpenAsync(fixture.Cluster.Coordinator, DatabaseOptions.ApiRole);
        await using var transaction = await api.BeginTransactionAsync();
        await api.ExecuteAsync(Change, default, restaurant);
        await api.ExecuteAsync("UPDATE orders SET total = total", default);
        await EndSessionsOfAsync(api, worker);

        var error = await Should.ThrowAsync<PostgresException>(() => transaction.CommitAsync());
        DatabaseUnavailableHandler.IsUnavailable(error).ShouldBeTrue(error.ToString());
        (CitusErrors.MeaningOf(error) == CitusFailure.ConnectionLost || error.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.ConnectionFailure)
            .ShouldBeTrue(error.ToString());
    }

    [CitusFact]
    public async Task Lock_of_a_table_that_another_node_does_not_get_is_a_lock_or_a_connection()
    {
        var (worker, _) = AnyPlace();
        await using var holder = await OpenAsync(worker, "postgres");
        await using var held = await holder.BeginTransactionAsync();
        await holder.ExecuteAsync("SET LOCAL citus.enable_ddl_propagation = off", default);
        await holder.ExecuteAsync("SELECT lock_relation_if_exists('public.stock', 'ACCESS SHARE')", default);

        await using var migrator = await OpenAsync(fixture.Cluster.Coordinator, DatabaseRoles.Migrator);
        await using var transaction = await migrator.BeginTransactionAsync();
        await migrator.ExecuteAsync("SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = '500ms'", default);
        var error = await Should.ThrowAsync<PostgresException>(() => migrator.ExecuteAsync("LOCK TABLE stock", default));
        CitusErrors.MeaningOf(error).ShouldBe(CitusFailure.LockOrConnection, error.ToString());
    }

    private (ServerHandle Worker, Guid Restaurant) AnyPlace()
    {
        var (id, worker) = fixture.Restaurants.Values.First();
        return (fixture.Cluster.Workers.Single(server => server.Name == worker), id);
    }

    /// <summary>Ends what the coordinator has opened on a worker for a session.</summary>
    private static async Task EndSessionsOfAsync(NpgsqlConnection session, ServerHandle worker)
    {
        const string Sessions = "FROM pg_stat_activity WHERE application_name = $1";
        var name = "citus_internal gpid=" + await session.ScalarAsync<long>("SELECT citus_backend_gpid()", default);
        await using var superuser = await OpenAsync(worker.AdminConnectionString(DatabaseOptions.DatabaseName));
        (await superuser.ScalarAsync<long>($"SELECT count(pg_terminate_backend(pid)) {Sessions}", default, name)).ShouldBeGreaterThan(0);
        await Eventually.TrueAsync(() => superuser.ScalarAsync<bool>($"SELECT count(*) = 0 {Sessions}", default, name), "the sessions have ended");
    }

    private Task<NpgsqlConnection> OpenAsync(ServerHandle server, string role)
    {
        var settings = new NpgsqlConnectionStringBuilder(server.AdminConnectionString(DatabaseOptions.DatabaseName));
        if (options.Passwords.TryGetValue(role, out var password))
        {
            (settings.Username, settings.Password) = (role, password);
        }

        return OpenAsync(settings.ConnectionString);
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
