using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Growth;

/// <summary>
/// Whether the API may enter at a Citus worker. One that has left the cluster keeps the metadata of that moment: statements that enter there would go
/// where shards were. So the API's sessions there are read-only, which makes its connections pass on to the next host (Target Session Attributes).
/// </summary>
internal static class WorkerEntry
{
    private const string ApiSessions = $"FROM pg_stat_activity WHERE usename = '{DatabaseOptions.ApiRole}' AND application_name NOT LIKE 'citus%'";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Closes a worker, and ends the sessions there: the idle ones first, those that work when they have not ended within seconds.</summary>
    /// <param name="worker">A superuser's connection to the worker.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task CloseAsync(NpgsqlConnection worker, CancellationToken ct)
    {
        await SetAsync(worker, $"ALTER ROLE {DatabaseOptions.ApiRole} SET default_transaction_read_only = on", ct);
        for (var waited = TimeSpan.Zero; waited < Limit && await worker.ScalarAsync<long>($"SELECT count(*) {ApiSessions}", ct) > 0; waited += Interval)
        {
            await worker.ExecuteAsync($"SELECT pg_terminate_backend(pid) {ApiSessions} AND (state = 'idle' OR $1)", ct, waited >= Patience);
            await Task.Delay(Interval, ct);
        }
    }

    /// <summary>Opens a worker that is part of the cluster. May be repeated.</summary>
    /// <param name="worker">A superuser's connection to the worker.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task OpenAsync(NpgsqlConnection worker, CancellationToken ct)
    {
        if (await worker.ScalarAsync<bool>("SELECT coalesce(rolconfig @> ARRAY['default_transaction_read_only=on'], false) FROM pg_roles WHERE rolname = $1", ct, DatabaseOptions.ApiRole))
        {
            await SetAsync(worker, $"ALTER ROLE {DatabaseOptions.ApiRole} RESET default_transaction_read_only", ct);
        }
    }

    private static async Task SetAsync(NpgsqlConnection worker, string sql, CancellationToken ct)
    {
        await using var transaction = await worker.BeginTransactionAsync(ct);
        await worker.ExecuteAsync("SET LOCAL citus.enable_alter_role_propagation = off; SET LOCAL citus.enable_alter_role_set_propagation = off", ct);
        await worker.ExecuteAsync(sql, ct);
        await transaction.CommitAsync(ct);
    }
}
