using System.Collections.Concurrent;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>Which datagrams came through: each has a number of its own.</summary>
internal sealed class Arrivals
{
    private readonly ConcurrentDictionary<long, string> seen = [];
    private long last;

    /// <summary>A number that no other datagram has.</summary>
    public long Next() => Interlocked.Increment(ref last);

    /// <summary>Notes a datagram.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="host">Who got it.</param>
    public void Add(long number, string host) => seen[number] = host;

    /// <summary>The receiver of a datagram; null if none arrived.</summary>
    public string? TakenBy(long number) => seen.GetValueOrDefault(number);
}
