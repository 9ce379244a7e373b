using System.Net;
using System.Net.Sockets;

namespace DineHub.Tests.Cluster;

/// <summary>A way to a server on which the answer to one COMMIT is lost, with its connection.</summary>
internal sealed class LossyWay : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly int server;
    private readonly Task accepting;
    private int armed;

    /// <summary>Listens.</summary>
    /// <param name="server">The server's port on this machine.</param>
    public LossyWay(int server)
    {
        this.server = server;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Whether the answer has been lost.</summary>
    public bool HasLost { get; private set; }

    /// <summary>Loses the next answer to COMMIT.</summary>
    public void Arm() => Volatile.Write(ref armed, 1);

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Stop();
        await accepting;
        end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var relays = new List<Task>();
        try
        {
            while (true)
            {
                relays.Add(RelayAsync(await listener.AcceptTcpClientAsync(end.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using (client)
        using (var upstream = new TcpClient())
        {
            try
            {
                await upstream.ConnectAsync(IPAddress.Loopback, server, end.Token);
                var (near, far) = (client.GetStream(), upstream.GetStream());
                await Task.WhenAny(near.CopyToAsync(far, end.Token), AnswerAsync(far, near));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // One side has gone.
            }
        }
    }

    private async Task AnswerAsync(NetworkStream far, NetworkStream near)
    {
        var buffer = new byte[65_536];
        while (await far.ReadAsync(buffer, end.Token) is > 0 and var count)
        {
            // CommandComplete: the transaction has been committed.
            if (buffer.AsSpan(0, count).IndexOf("COMMIT\0"u8) >= 0 && Interlocked.Exchange(ref armed, 0) == 1)
            {
                HasLost = true;
                return;
            }

            await near.WriteAsync(buffer.AsMemory(0, count), end.Token);
        }
    }
}
