using System.Net.Sockets;
using System.Text;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>Tries paths with real packets.</summary>
internal sealed class PathProbe(Arrivals arrivals)
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Try = TimeSpan.FromSeconds(3);

    /// <summary>Waits until each of these paths has been seen to work.</summary>
    public Task WorkAsync(IEnumerable<NetworkPath> paths)
    {
        // One after the other between two machines: when both begin a handshake of WireGuard at once, both can fail, and the next is tried after five seconds.
        var pairs = paths.GroupBy(path => string.CompareOrdinal(path.From.Name, path.To.Name) < 0 ? (path.From, path.To) : (path.To, path.From));
        return Task.WhenAll(pairs.Select(async pair =>
        {
            foreach (var path in pair)
            {
                await Eventually.TrueAsync(() => WorksAsync(path), $"{path} works");
            }
        }));
    }

    /// <summary>
    /// Those of these paths that are open. What drops packets says nothing: a path is closed if nothing has come of it in a moment, and in the time that paths which do
    /// work, and were tried after it, took.
    /// </summary>
    /// <param name="paths">Which to try.</param>
    /// <param name="working">Paths that work.</param>
    public async Task<IReadOnlyList<NetworkPath>> OpenAsync(IEnumerable<NetworkPath> paths, IReadOnlyList<NetworkPath> working)
    {
        var open = new List<NetworkPath>();
        foreach (var batch in paths.GroupBy(path => path.From))
        {
            using var enough = new CancellationTokenSource();
            var sent = new List<(NetworkPath Path, long Number)>();
            foreach (var path in batch.Where(path => path.Transport == Transport.Udp))
            {
                sent.Add((path, await SendAsync(path)));
            }

            var dialled = batch.Where(path => path.Transport == Transport.Tcp).Select(async path => (path, await DialAsync(path, enough.Token))).ToList();
            await Task.Delay(Moment);
            await WorkAsync(working.Where(path => path.From == batch.Key));
            await enough.CancelAsync();
            open.AddRange((await Task.WhenAll(dialled)).Where(one => one.Item2 is not null).Select(one => one.path));
            open.AddRange(sent.Where(one => arrivals.TakenBy(one.Number) is not null).Select(one => one.Path));
        }

        return open;
    }

    private async Task<bool> WorksAsync(NetworkPath path)
    {
        using var enough = new CancellationTokenSource(Try);
        if (path.Transport == Transport.Tcp)
        {
            return await DialAsync(path, enough.Token) == path.To.Name;
        }

        var number = await SendAsync(path);
        await Task.Delay(Moment);
        return arrivals.TakenBy(number) == path.To.Name;
    }

    // Who answered; null where no connection came about.
    private static async Task<string?> DialAsync(NetworkPath path, CancellationToken cancellationToken)
    {
        var target = path.Target;
        using var socket = await path.From.Inside.InsideAsync(() => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }

        try
        {
            var answer = new byte[64];
            return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, cancellationToken));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return "";
        }
    }

    private async Task<long> SendAsync(NetworkPath path)
    {
        var target = path.Target;
        var number = arrivals.Next();
        using var socket = await path.From.Inside.InsideAsync(() => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        try
        {
            await socket.SendToAsync(BitConverter.GetBytes(number), target);
        }
        catch (SocketException)
        {
            // No route: the datagram is not sent.
        }

        return number;
    }
}
