using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DineHub.Database.Connections;

/// <summary>
/// The API's connections, to one host or to the nearest of several that accepts writes. A host that accepts connections and does not answer is passed over until it
/// answers again: Npgsql itself would ask it first, each time.
/// </summary>
public sealed partial class ApiConnections : IDisposable
{
    /// <summary>
    /// How long a statement takes before its host is looked at: longer than one that waits for a standby over the ocean; with the probe's deadline, requests at a host that
    /// hangs go on within 2 s.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(750);

    private readonly NpgsqlDataSource all;
    private readonly HostProbe probe;
    private readonly ILogger logger;
    private readonly Dictionary<string, NpgsqlDataSource> others = [];
    private readonly CancellationTokenSource disposed = new();
    private readonly Lock looking = new();
    private volatile Entry entry;
    private Task? look;
    private bool isUsed;
    private Task? watch;

    /// <summary>Takes over a data source.</summary>
    /// <param name="dataSource">The data source, with <see cref="ConnectionRules"/> applied.</param>
    /// <param name="connectionString">The connection string that it was built from. Secret.</param>
    /// <param name="logger">The log.</param>
    public ApiConnections(NpgsqlDataSource dataSource, string connectionString, ILogger<ApiConnections> logger)
    {
        all = dataSource;
        this.logger = logger;
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        ConnectionRules.Apply(settings);
        probe = new HostProbe(settings);
        entry = new Entry(dataSource, []);
    }

    /// <summary>The source of the connections: to all hosts, or to those that do not hang.</summary>
    public NpgsqlDataSource DataSource => entry.DataSource;

    /// <summary>
    /// Runs statements on a connection. Where the host that it is to hangs, the wait for it ends within 2 s; of a write nothing is known then, as after any
    /// loss of a connection.
    /// </summary>
    /// <typeparam name="T">What they return.</typeparam>
    /// <param name="action">The statements; they may go on after this has ended, and touch nothing but the connection.</param>
    /// <param name="ct">Cancels them.</param>
    /// <param name="repeatable">
    /// Whether they may take place twice: where the host is lost, or hangs, they are run again, once, at the next one. Idle connections to a lost host are found dead one by one.
    /// </param>
    /// <returns>What the action returns.</returns>
    /// <exception cref="NpgsqlException">The database does not answer, or refused a statement.</exception>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> action, CancellationToken ct, bool repeatable = false)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (Interlocked.Exchange(ref isUsed, true) is false)
        {
            // How long each host usually takes.
            _ = LookAsync();
        }

        try
        {
            return await RunOnceAsync(action, ct);
        }
        catch (NpgsqlException e) when (repeatable && (ConnectionLoss.IsLost(e) || e.InnerException is HungHostException))
        {
            OnFailure(e);
            return await RunOnceAsync(action, ct);
        }
    }

    /// <summary>
    /// Reacts to a failed statement. After the loss of the server its pooled connections are dead too and are dropped, so that the next
    /// requests do not fail one by one.
    /// </summary>
    /// <param name="exception">The failure.</param>
    public void OnFailure(Exception exception)
    {
        if (ConnectionLoss.IsLost(exception))
        {
            DataSource.Clear();
        }
        else if (exception is PostgresException)
        {
            // Npgsql takes a host for offline by the SQLSTATE alone (PostgresErrorCodes.IsCriticalFailure), also where the host only
            // reports that one of its workers shuts down (57P01) or was lost (CitusErrors, XX000): all other restaurants would be
            // without a database until the host is looked at again.
            (DataSource as NpgsqlMultiHostDataSource)?.ClearDatabaseStates();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed.IsCancellationRequested)
        {
            return;
        }

        disposed.Cancel();
        all.Dispose();
        lock (others)
        {
            foreach (var other in others.Values)
            {
                other.Dispose();
            }
        }
    }

    /// <summary>Builds a data source as the API's is built; opens no connection.</summary>
    /// <param name="connectionString">The connection string.</param>
    /// <exception cref="ArgumentException">Npgsql does not accept it; see <see cref="ConnectionRules.Problem"/>.</exception>
    internal static ApiConnections Create(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        ConnectionRules.Apply(builder.ConnectionStringBuilder);
        return new ApiConnections(builder.Build(), connectionString, NullLogger<ApiConnections>.Instance);
    }

    private async Task<T> RunOnceAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> action, CancellationToken ct)
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var run = new Run<T>(entry, action, ct);
            while (true)
            {
                await ((Task)run.Task).WaitAsync(Patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!run.Task.IsCompleted)
                {
                    // A statement that is only slow does not wait for the answer of a host that it has nothing to do with.
                    await Task.WhenAny(run.Task, LookAsync());
                }

                if (run.Task.IsCompleted)
                {
                    return await run.Task;
                }

                if (run.Host is { } host && entry.Hung.Contains(host))
                {
                    run.Abandon();
                    throw new NpgsqlException($"{host} does not answer.", new HungHostException());
                }

                if (run.Host is null && entry != run.Entry)
                {
                    // It has no connection yet, and would get one of a host that hangs.
                    run.Abandon();
                    break;
                }
            }
        }
    }

    /// <summary>Asks every host; one look serves all that wait meanwhile.</summary>
    private Task LookAsync()
    {
        lock (looking)
        {
            return look is null or { IsCompleted: true } ? look = LookOnceAsync() : look;
        }
    }

    private async Task LookOnceAsync()
    {
        if (await probe.FindHungAsync(disposed.Token) is not { } hung || hung.SetEquals(entry.Hung))
        {
            return;
        }

        foreach (var host in hung.Except(entry.Hung))
        {
            LogHung(host);
        }

        foreach (var host in entry.Hung.Except(hung))
        {
            LogAnswers(host);
        }

        var before = entry;
        entry = new Entry(DataSourceWithout(hung), hung);

        // What is idle there belongs to a host that hangs, or is not needed any more.
        before.DataSource.Clear();
        if (hung.Count > 0)
        {
            lock (looking)
            {
                watch = watch is null or { IsCompleted: true } ? WatchAsync() : watch;
            }
        }
    }

    // Until all of them answer again.
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Patience);
        try
        {
            while (entry.Hung.Count > 0 && await timer.WaitForNextTickAsync(disposed.Token))
            {
                await LookAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    // With none left there is no choice: requests end by their deadlines.
    private NpgsqlDataSource DataSourceWithout(IReadOnlySet<string> hung)
    {
        if (hung.Count == 0 || probe.Without(hung) is not { } settings)
        {
            return all;
        }

        lock (others)
        {
            if (!others.TryGetValue(settings.Host!, out var dataSource))
            {
                others[settings.Host!] = dataSource = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
            }

            return dataSource;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Host} accepts connections but does not answer: statements go to the other database hosts")]
    private partial void LogHung(string host);

    [LoggerMessage(2, LogLevel.Information, "{Host} answers again")]
    private partial void LogAnswers(string host);

    private sealed class HungHostException : TimeoutException;

    private sealed record Entry(NpgsqlDataSource DataSource, IReadOnlySet<string> Hung)
    {
        public Entry(NpgsqlDataSource dataSource, string[] hung)
            : this(dataSource, hung.ToHashSet())
        {
        }
    }

    /// <summary>Statements under way.</summary>
    private sealed class Run<T>
    {
        private readonly CancellationTokenSource end;
        private volatile string? host;

        public Run(Entry entry, Func<NpgsqlConnection, CancellationToken, Task<T>> action, CancellationToken ct)
        {
            Entry = entry;
            end = CancellationTokenSource.CreateLinkedTokenSource(ct);
            Task = RunAsync(action);
        }

        public Entry Entry { get; }

        public Task<T> Task { get; }

        /// <summary>The host that it is connected to; null while it is not.</summary>
        public string? Host => host;

        /// <summary>
        /// Lets it end by itself. Connected, it does so by its own deadline: a cancel request is one more connection to a host that does not answer, and takes a thread.
        /// </summary>
        public void Abandon()
        {
            _ = Task.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            if (host is not null)
            {
                return;
            }

            try
            {
                _ = end.CancelAsync();
            }
            catch (ObjectDisposedException)
            {
                // It has ended meanwhile.
            }
        }

        private async Task<T> RunAsync(Func<NpgsqlConnection, CancellationToken, Task<T>> action)
        {
            try
            {
                await using var connection = await Entry.DataSource.OpenConnectionAsync(end.Token);
                host = HostProbe.NameOf(connection);
                return await action(connection, end.Token);
            }
            finally
            {
                end.Dispose();
            }
        }
    }
}
