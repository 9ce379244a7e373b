using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Caching.Memory;

namespace DineHub.Api.Accounts;

/// <summary>
/// Limits guessing from one address over many accounts: each replica allows <see cref="MaxFailuresPerMinute"/>. Successful attempts do not count.
/// The lockout of one account, over all replicas, is in the database; the ingress limits rates before this.
/// </summary>
internal sealed class GuessThrottle(TimeProvider time) : IDisposable
{
    public const int MaxFailuresPerMinute = 20;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // A cache of its own: an attacker with many addresses must not push menus out.
    private readonly MemoryCache windows = new(new MemoryCacheOptions { SizeLimit = 100_000 });

    /// <summary>Counts a try, to be given back when it succeeds.</summary>
    /// <returns>How long to wait; null where the try may go on.</returns>
    public TimeSpan? TryReserve(HttpContext http)
    {
        var now = time.GetUtcNow();
        var counter = Find(http, now);
        return Interlocked.Increment(ref counter.Tries) > MaxFailuresPerMinute ? counter.Ends - now : null;
    }

    public void GiveBack(HttpContext http) => Interlocked.Decrement(ref Find(http, time.GetUtcNow()).Tries);

    public void Dispose() => windows.Dispose();

    /// <summary>One client: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer of a provider has (RFC 6177).</summary>
    internal static IPAddress Client(IPAddress? address)
    {
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress((byte[])[.. address.GetAddressBytes()[..8], .. new byte[8]]) : address;
    }

    private Counter Find(HttpContext http, DateTimeOffset now) => windows.GetOrCreate(
        Client(http.Connection.RemoteIpAddress),
        entry =>
        {
            entry.Size = 1;
            entry.AbsoluteExpirationRelativeToNow = Window;
            return new Counter(now + Window);
        })!;

    private sealed class Counter(DateTimeOffset ends)
    {
        public int Tries;

        public DateTimeOffset Ends { get; } = ends;
    }
}
