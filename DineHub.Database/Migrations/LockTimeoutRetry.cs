using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;
using Polly;
using Polly.Retry;

namespace DineHub.Database.Migrations;

/// <summary>
/// Changes tables that are in use. All statements that come after one that waits for a table's lock wait behind it: so it waits shortly,
/// gives way, and tries again.
/// </summary>
internal static class LockTimeoutRetry
{
    private const int MaxAttempts = 10;

    // An autovacuum that is in the way is cancelled after deadlock_timeout, 1 s: this must be longer. Citus sends what is SET LOCAL to the
    // other nodes only if it is told to; stock PostgreSQL takes that setting for a placeholder.
    private const string LockTimeout = "SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = '2s'";

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs statements and commits them, with locks waited for shortly and all of it repeated.</summary>
    /// <param name="node">The node's connection.</param>
    /// <param name="what">What is done, for the message of a failure.</param>
    /// <param name="action">The statements, on that connection.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <param name="tries">How often to try, at least twice.</param>
    /// <exception cref="DatabaseSetupException">The lock was held each time; the message names the holders.</exception>
    public static Task InTransactionAsync(
        NpgsqlConnection node, string what, Func<CancellationToken, Task> action, CancellationToken ct, int tries = MaxAttempts) =>
        RetryAsync(
            node,
            what,
            async token =>
            {
                await using var transaction = await node.BeginTransactionAsync(token);
                await node.ExecuteAsync(LockTimeout, token);
                await action(token);
                await transaction.CommitAsync(token);
            },
            ct,
            tries);

    /// <summary>Repeats what fails for want of a lock.</summary>
    /// <inheritdoc cref="InTransactionAsync"/>
    public static async Task RetryAsync(
        NpgsqlConnection node, string what, Func<CancellationToken, Task> action, CancellationToken ct, int tries = MaxAttempts)
    {
        var tried = 0;
        IReadOnlyList<string> holders = [];
        try
        {
            await Retry(tries).ExecuteAsync(
                async token =>
                {
                    if (++tried < tries)
                    {
                        await action(token);
                        return;
                    }

                    using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
                    var watch = WatchAsync(node, end.Token);
                    try
                    {
                        await action(token);
                    }
                    finally
                    {
                        await end.CancelAsync();
                        holders = await watch;
                    }
                },
                ct);
        }
        catch (PostgresException e) when (IsForWantOfLock(e))
        {
            throw new DatabaseSetupException(
                $"{what} did not get its lock on {node.Host}:{node.Port} in {tried} tries ({e.SqlState}: {e.MessageText}). "
                + (holders.Count > 0 ? $"It is held by {string.Join("; ", holders)}. " : "Its holder was not found in pg_stat_activity. ")
                + "End that transaction, or wait until it ends, and run 'db migrate' again: it goes on where it was.");
        }
    }

    private static ResiliencePipeline Retry(int tries) => new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<PostgresException>(IsForWantOfLock),
            MaxRetryAttempts = tries - 1,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(250),
            MaxDelay = TimeSpan.FromSeconds(5),
            UseJitter = true,
        })
        .Build();

    // Citus reports a lock that another node did not get as XX000, if LOCK TABLE waited for it.
    private static bool IsForWantOfLock(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
        || CitusErrors.MeaningOf(e) == CitusFailure.LockOrConnection;

    /// <summary>The holders that were seen last. Another connection looks while the first one waits: afterwards none is in its way.</summary>
    private static async Task<IReadOnlyList<string>> WatchAsync(NpgsqlConnection waiting, CancellationToken end)
    {
        IReadOnlyList<string> seen = [];
        try
        {
            await using var connection = waiting.CloneWith(waiting.ConnectionString);
            await connection.OpenAsync(end);
            var holders = await LockHolders.OfAsync(connection, waiting.ProcessID, end);
            while (true)
            {
                var found = await holders.ListAsync(end);
                seen = found.Count > 0 ? found : seen;
                await Task.Delay(LookInterval, end);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException)
        {
            // A failure without its reason is still reported.
            return seen;
        }
    }
}
