using System.Net;
using System.Net.Sockets;

namespace DineHub.Tests.Ingress;

/// <summary>A small HTTP/1.1 server that records what it is sent and answers, or fails to, as it is told.</summary>
internal sealed class ScriptedBackend : IAsyncDisposable
{
    private const int MaxFillers = 100;
    private readonly Lock gate = new();
    private readonly List<RecordedRequest> requests = [];
    private readonly HashSet<BackendConnection> connections = [];
    private readonly List<Socket> silent = [];
    private CancellationTokenSource stopping = new();
    private Task accepting = Task.CompletedTask;
    private Socket? listener;
    private int connectionCount;
    private volatile BackendScript script = BackendScripts.Normal;

    public ScriptedBackend(string name, int port)
    {
        Name = name;
        Port = port;
        Listen();
    }

    public string Name { get; }

    /// <summary>What stands before the name's dash.</summary>
    public string Region => Name.Split('-')[0];

    public int Port { get; }

    /// <summary>How it answers, all but questions for its health.</summary>
    public BackendScript Script
    {
        get => script;
        set => script = value;
    }

    /// <summary>Whether /health/ready answers 200.</summary>
    public bool IsReady { get; set; } = true;

    /// <summary>What has come so far, questions for its health apart.</summary>
    public IReadOnlyList<RecordedRequest> Requests
    {
        get
        {
            lock (gate)
            {
                return [.. requests];
            }
        }
    }

    public int Count => Requests.Count;

    public int CountOf(string path) => Requests.Count(request => request.Path == path);

    public void Forget()
    {
        lock (gate)
        {
            requests.Clear();
        }
    }

    /// <summary>Behaves like a killed process: the port is closed, and every connection is reset.</summary>
    public async Task RefuseAsync()
    {
        await stopping.CancelAsync();
        listener?.Dispose();
        await accepting.OrFailAsync($"{Name} has left off answering");
        foreach (var connection in connections)
        {
            connection.Reset();
        }

        connections.Clear();

        foreach (var socket in silent)
        {
            socket.Dispose();
        }

        silent.Clear();
    }

    /// <summary>Listens again, at the same port.</summary>
    public async Task ReturnAsync()
    {
        await RefuseAsync();
        Listen();
    }

    /// <summary>Leaves connections unanswered: the accept queue is full, and the kernel drops further SYNs.</summary>
    public async Task DropConnectionsAsync()
    {
        await RefuseAsync();
        var full = NewSocket(backlog: 0);
        silent.Add(full);
        while (silent.Count < MaxFillers)
        {
            var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            silent.Add(filler);
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            try
            {
                await filler.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port), patience.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }

        throw new InvalidOperationException($"The queue of {Name} takes more than {MaxFillers} connections.");
    }

    public async ValueTask DisposeAsync()
    {
        await RefuseAsync();
        stopping.Dispose();
    }

    private void Listen()
    {
        stopping.Dispose();
        stopping = new CancellationTokenSource();
        listener = NewSocket(backlog: 1024);
        accepting = AcceptAsync(listener, stopping.Token);
    }

    private Socket NewSocket(int backlog)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        socket.Listen(backlog);
        return socket;
    }

    private async Task AcceptAsync(Socket socket, CancellationToken cancellationToken)
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var accepted = await socket.AcceptAsync(cancellationToken);
                accepted.NoDelay = true;
                var connection = new BackendConnection(Interlocked.Increment(ref connectionCount), accepted);
                lock (gate)
                {
                    connections.Add(connection);
                }

                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(ServeAsync(connection, cancellationToken));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(BackendConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            while (!connection.IsClosed && await connection.ReadHeadAsync(cancellationToken) is { } request)
            {
                var exchange = new BackendExchange(this, connection, request, cancellationToken);
                if (request.Path == "/health/ready")
                {
                    await BackendScripts.Status(IsReady ? 200 : 503)(exchange);
                    continue;
                }

                lock (gate)
                {
                    requests.Add(request);
                }

                if (request.Malformed is not null)
                {
                    break;
                }

                await script(exchange);
                if (!connection.IsClosed)
                {
                    await exchange.ReadBodyAsync();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The ingress has gone, or the backend has.
        }

        // Those that still are open when the backend goes are reset by RefuseAsync.
        if (!cancellationToken.IsCancellationRequested)
        {
            lock (gate)
            {
                connections.Remove(connection);
            }

            connection.Dispose();
        }
    }
}
