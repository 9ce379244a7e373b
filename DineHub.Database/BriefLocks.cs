using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;
using Polly;
using Polly.Retry;

namespace DineHub.Database;

/// <summary>
/// Changes tables that are in use. All statements that come after one that waits for a table's lock wait behind it: so it waits shortly,
/// gives way, and tries again.
/// </summary>
internal static class BriefLocks
{
    private const int MostTries = 10;

    // An autovacuum that is in the way is cancelled after deadlock_timeout, 1 s: this must be longer.
    private const string LockTimeout = "SET LOCAL lock_timeout = '2s'";

    private const string Holders = """
        SELECT format('process %s (%s, %s, %s, in a transaction since %s)', pid, usename, nullif(application_name, ''), state, xact_start)
        FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids($1)) ORDER BY xact_start
        """;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs statements and commits them, with locks waited for shortly and all of it repeated.</summary>
    /// <param name="node">The node's connection.</param>
    /// <param name="what">What is done, for the message of a failure.</param>
    /// <param name="action">The statements, on that connection.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <param name="tries">How often to try, at least twice.</param>
    /// <exception cref="DatabaseSetupException">Someone held the lock each time; the message says who.</exception>
    public static Task InTransactionAsync(
        NpgsqlConnection node, string what, Func<CancellationToken, Task> action, CancellationToken ct, int tries = MostTries) =>
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
        NpgsqlConnection node, string what, Func<CancellationToken, Task> action, CancellationToken ct, int tries = MostTries)
    {
        var tried = 0;
        var holders = "";
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
                + (holders.Length > 0 ? $"It is held by {holders}. " : "Who holds it was not to be seen there. ")
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

    private static bool IsForWantOfLock(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    /// <summary>Who was seen to be in the way last. Another connection must look while the first one waits: afterwards nobody is.</summary>
    private static async Task<string> WatchAsync(NpgsqlConnection waiting, CancellationToken end)
    {
        var seen = "";
        try
        {
            await using var connection = waiting.CloneWith(waiting.ConnectionString);
            await connection.OpenAsync(end);
            while (true)
            {
                var holders = await connection.ListAsync(Holders, row => row.GetString(0), end, waiting.ProcessID);
                seen = holders.Count > 0 ? string.Join("; ", holders) : seen;
                await Task.Delay(LookInterval, end);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException)
        {
            // A failure without its reason is still told.
            return seen;
        }
    }
}
