using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Npgsql;

namespace DineHub.Database.Connections;

/// <summary>Asks the hosts of a connection string, each by a connection of its own, and tells which of them hang: accept a connection, or vanish, and do not answer.</summary>
/// <param name="settings">The connection string, with <see cref="ConnectionRules"/> applied.</param>
internal sealed class HostProbe(NpgsqlConnectionStringBuilder settings)
{
    private const string TargetSessionAttributes = "Target Session Attributes";
    private const string ApplicationName = "dinehub-api-probe";
    private const int DeadlineSeconds = 3;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    // An answer that is late against this, or against the host's own usual time, is that of a busy machine: then one that is missing tells nothing yet.
    private static readonly TimeSpan Prompt = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxDeadline = TimeSpan.FromSeconds(DeadlineSeconds);

    private readonly ConcurrentDictionary<string, TimeSpan> usual = new(StringComparer.Ordinal);
    private readonly string[] hosts = (settings.Host ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A host as the messages and <see cref="FindHungAsync"/> name it: <c>host:port</c>.</summary>
    public static string NameOf(NpgsqlConnection connection) => string.Create(CultureInfo.InvariantCulture, $"{connection.Host}:{connection.Port}");

    /// <summary>
    /// The hosts that hang: those that do not answer within 1 s where others do at once; within 3 s where the answers are slow, or where a host is far or was never heard of.
    /// </summary>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>
    /// Their names. A host that refuses, or answers with an error, is none of them. Null where no host that takes writes answers, or the wait was ended: nothing is known then.
    /// </returns>
    public async Task<IReadOnlySet<string>?> FindHungAsync(CancellationToken ct)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var asked = hosts.Select(host => SettingsOf(host)).Select(host => (Name: NameOf(host), Answer: AskAsync(host, end.Token))).ToList();
        var all = Task.WhenAll(asked.Select(host => host.Answer));
        await Task.WhenAny(all, Task.Delay(Deadline, ct));
        if (!all.IsCompleted && !asked.TrueForAll(host => host.Answer.IsCompleted ? IsPrompt(host.Name, host.Answer.Result) : IsNear(host.Name)))
        {
            await Task.WhenAny(all, Task.Delay(MaxDeadline - Deadline, ct));
        }

        // Read before the rest is cancelled.
        var silent = asked.Where(host => !host.Answer.IsCompleted).Select(host => host.Name).ToHashSet();
        var answered = asked.Where(host => host.Answer.IsCompleted).Select(host => (host.Name, Answer: host.Answer.Result)).ToList();
        await end.CancelAsync();
        if (ct.IsCancellationRequested || !answered.Exists(host => host.Answer is { TakesWrites: true }))
        {
            return null;
        }

        foreach (var (name, answer) in answered.Where(host => host.Answer is not null))
        {
            usual.AddOrUpdate(name, answer!.Time, (_, before) => before < answer.Time ? before : answer.Time);
        }

        return silent;
    }

    /// <summary>The connection string with the other hosts; null where there are none.</summary>
    /// <param name="hung">The names of those to leave out.</param>
    public NpgsqlConnectionStringBuilder? Without(IReadOnlySet<string> hung)
    {
        var rest = hosts.Where(host => !hung.Contains(NameOf(SettingsOf(host)))).ToList();
        return rest.Count == 0 ? null : Restricted(string.Join(',', rest));
    }

    private static string NameOf(NpgsqlConnectionStringBuilder host) => string.Create(CultureInfo.InvariantCulture, $"{host.Host}:{host.Port}");

    private bool IsPrompt(string host, Answer? answer) => answer is null || answer.Time < Prompt || (usual.TryGetValue(host, out var time) && answer.Time < 2 * time);

    private bool IsNear(string host) => usual.TryGetValue(host, out var time) && 4 * time < Deadline;

    /// <summary>What a host answers; null where it refuses. Does not end by itself where it does neither.</summary>
    private static async Task<Answer?> AskAsync(NpgsqlConnectionStringBuilder host, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            await using var connection = new NpgsqlConnection(host.ConnectionString);
            await connection.OpenAsync(ct);
            await using var command = new NpgsqlCommand("SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'", connection);
            return new Answer(Stopwatch.GetElapsedTime(start), await command.ExecuteScalarAsync(ct) is true);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException or NpgsqlException { InnerException: TimeoutException or OperationCanceledException })
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Npgsql itself goes on to the next one.
        }

        return null;
    }

    private NpgsqlConnectionStringBuilder SettingsOf(string host)
    {
        var one = Restricted(host);
        (one.Pooling, one.Timeout, one.CommandTimeout, one.ApplicationName) = (false, DeadlineSeconds, DeadlineSeconds, ApplicationName);

        // "host:port", or the port that all have; an IPv6 address has brackets there (NpgsqlConnectionStringBuilder, Host).
        if (host.LastIndexOf(':') is var colon and > 0 && int.TryParse(host[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && !host[..colon].Contains(':', StringComparison.Ordinal))
        {
            (one.Host, one.Port) = (host[..colon], port);
        }

        return one;
    }

    private NpgsqlConnectionStringBuilder Restricted(string hosts)
    {
        var restricted = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Host = hosts };
        if (!hosts.Contains(',', StringComparison.Ordinal))
        {
            restricted.Remove(TargetSessionAttributes);
        }

        return restricted;
    }

    private sealed record Answer(TimeSpan Time, bool TakesWrites);
}
