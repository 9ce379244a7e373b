using System.Net;
using System.Net.Sockets;
using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Composition;

/// <summary>
/// Gives out TCP ports of 127.0.0.1 that no other cluster of this machine uses. Ports come in blocks of 100; the process that listens on a
/// block's first port owns the block, and the kernel frees it when its owner dies, however that happens. All lie below the
/// ephemeral range, whose ports outgoing connections take at any moment.
/// </summary>
public sealed class PortAllocator : IDisposable
{
    private const int FirstBlock = 20_000;
    private const int BlockSize = 100;
    private const int Blocks = 120;

    private readonly List<Socket> guards = [];
    private readonly Lock gate = new();
    private int next;
    private int end;

    /// <summary>A port that is free and stays this allocator's.</summary>
    /// <exception cref="PrerequisiteException">All blocks are taken.</exception>
    public int Next()
    {
        lock (gate)
        {
            while (true)
            {
                if (next == end)
                {
                    ClaimBlock();
                }

                if (TryListen(next++) is { } probe)
                {
                    probe.Dispose();
                    return next - 1;
                }
            }
        }
    }

    /// <summary>Whether nothing listens on a port of 127.0.0.1.</summary>
    /// <param name="port">The port, 1 to 65535.</param>
    public static bool IsFree(int port)
    {
        using var probe = TryListen(port);
        return probe is not null;
    }

    /// <summary>A port of 127.0.0.1 that is free now, out of the range that the system gives out.</summary>
    public static int AnyFree()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var guard in guards)
        {
            guard.Dispose();
        }
    }

    private void ClaimBlock()
    {
        // A random start, so that clusters that start together seldom try the same block.
        var start = Random.Shared.Next(Blocks);
        for (var i = 0; i < Blocks; i++)
        {
            var first = FirstBlock + ((start + i) % Blocks * BlockSize);
            if (TryListen(first) is { } guard)
            {
                guards.Add(guard);
                (next, end) = (first + 1, first + BlockSize);
                return;
            }
        }

        throw new PrerequisiteException(
            $"All ports from {FirstBlock} to {FirstBlock + (Blocks * BlockSize) - 1} are taken.", "Stop other clusters; 'ss -ltnp' shows who listens.");
    }

    private static Socket? TryListen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
