using System.Net;
using System.Net.Sockets;
using System.Text;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>What listens on a machine: on each port, for IPv4 and IPv6, on all addresses. Connections are answered with the machine's name, datagrams are noted.</summary>
internal sealed class Listeners : IDisposable
{
    private readonly List<Socket> sockets = [];
    private readonly string name;
    private readonly Arrivals arrivals;

    private Listeners(string name, Arrivals arrivals)
    {
        this.name = name;
        this.arrivals = arrivals;
    }

    public static async Task<Listeners> StartAsync(IsolatedHost host, IEnumerable<int> ports, Arrivals arrivals)
    {
        var listeners = new Listeners(host.Name, arrivals);
        await host.Inside.InsideAsync(() =>
        {
            foreach (var port in ports)
            {
                _ = listeners.AnswerAsync(listeners.Open(port, SocketType.Stream, ProtocolType.Tcp));

                // WireGuard itself listens there.
                if (port != Ports.WireGuard)
                {
                    _ = listeners.NoteAsync(listeners.Open(port, SocketType.Dgram, ProtocolType.Udp));
                }
            }

            return true;
        });
        return listeners;
    }

    public void Dispose() => sockets.ForEach(socket => socket.Dispose());

    private Socket Open(int port, SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true };
        sockets.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        if (type == SocketType.Stream)
        {
            socket.Listen();
        }

        return socket;
    }

    private async Task AnswerAsync(Socket listener)
    {
        var answer = Encoding.ASCII.GetBytes(name);
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptAsync();
                try
                {
                    await connection.SendAsync(answer);
                }
                catch (SocketException)
                {
                    // The client has gone.
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task NoteAsync(Socket socket)
    {
        var number = new byte[sizeof(long)];
        try
        {
            while (true)
            {
                await socket.ReceiveAsync(number);
                arrivals.Add(BitConverter.ToInt64(number), name);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }
}
