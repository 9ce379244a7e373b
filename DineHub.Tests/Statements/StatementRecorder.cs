using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.Statements;

/// <summary>What one command came to: its statements (several for a batch), and the commands that Citus sent to other nodes for it.</summary>
/// <param name="Statements">The statements with single spaces.</param>
internal sealed record Execution(IReadOnlyList<string> Statements)
{
    /// <summary>What went to other nodes.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>What the node that was asked did itself on a table of Citus.</summary>
    public List<string> Local { get; } = [];

    /// <summary>Whether it is part of a transaction of several commands.</summary>
    public bool IsInTransaction { get; init; }
}

/// <summary>A transaction that was committed: its commands, and what Citus sent for the commit.</summary>
internal sealed class CommittedTransaction
{
    /// <summary>Its commands in order.</summary>
    public List<Execution> Executions { get; } = [];

    /// <summary>What went to other nodes for the commit.</summary>
    public List<string> Sent { get; } = [];
}

/// <summary>
/// Records the commands of Npgsql's connections from its log, and the notices that <c>citus.log_remote_commands</c> and <c>citus.log_local_commands</c> send
/// for each, connection by connection, whatever else goes on at the same time. Commands that fail and transactions that roll back are left out.
/// </summary>
internal sealed class StatementRecorder : ILoggerProvider
{
    private const string Remote = "issuing ";
    private const string Local = "executing the command locally: ";

    private readonly ConcurrentDictionary<int, Session> sessions = new();

    /// <summary>The commands that succeeded.</summary>
    public ConcurrentQueue<Execution> Executions { get; } = new();

    /// <summary>The transactions that were committed.</summary>
    public ConcurrentQueue<CommittedTransaction> Transactions { get; } = new();

    /// <summary>Whether a statement was executed that contains a text.</summary>
    /// <param name="text">The text.</param>
    public bool HasSeen(string text) => Executions.Any(execution => execution.Statements.Any(statement => statement.Contains(text, StringComparison.Ordinal)));

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Receive(string message, Func<string, object?> value)
    {
        if (value("ConnectorId") is not int connector)
        {
            return;
        }

        var session = sessions.GetOrAdd(connector, _ => new Session());
        switch (message)
        {
            case "Starting transaction":
                session.Transaction = new CommittedTransaction();
                session.Current = null;
                break;
            case "Executing command: {CommandText}":
                session.Begin([(string)value("CommandText")!]);
                break;
            case "Executing batch: {BatchCommands}":
                session.Begin((IEnumerable<string>)value("BatchCommands")!);
                break;
            case "Received notice: {NoticeText}":
                session.Notice((string)value("NoticeText")!);
                break;
            case "Command execution completed (duration={DurationMs}ms): {CommandText}" or "Batch execution completed (duration={DurationMs}ms): {BatchCommands}"
                when session.Current is { } execution:
                Executions.Enqueue(execution);
                session.Transaction?.Executions.Add(execution);
                session.Current = null;
                break;
            case "Committed transaction" when session.Transaction is { } transaction:
                Transactions.Enqueue(transaction);
                session.Transaction = null;
                break;
            case "Rolled back transaction":
                session.Transaction = null;
                break;
        }
    }

    private sealed class Session
    {
        public Execution? Current { get; set; }

        public CommittedTransaction? Transaction { get; set; }

        public void Begin(IEnumerable<string> statements) =>
            Current = new Execution([.. statements.Select(statement => CompiledStatements.Normalize(statement).TrimEnd())]) { IsInTransaction = Transaction is not null };

        public void Notice(string text)
        {
            if (text.StartsWith(Remote, StringComparison.Ordinal))
            {
                (Current?.Sent ?? Transaction?.Sent)?.Add(CompiledStatements.Normalize(text[Remote.Length..]));
            }
            else if (text.StartsWith(Local, StringComparison.Ordinal))
            {
                Current?.Local.Add(CompiledStatements.Normalize(text[Local.Length..]));
            }
        }
    }

    private sealed class Logger(StatementRecorder recorder, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => category.StartsWith("Npgsql.", StringComparison.Ordinal);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel) && state is IReadOnlyList<KeyValuePair<string, object?>> values)
            {
                object? Value(string name) => values.FirstOrDefault(pair => pair.Key == name).Value;
                recorder.Receive((string?)Value("{OriginalFormat}") ?? "", Value);
            }
        }
    }
}
