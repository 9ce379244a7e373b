using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace DineHub.Tests.Ingress;

/// <summary>One connection of a scripted backend, read through a buffer.</summary>
internal sealed class BackendConnection(int number, Socket socket) : IDisposable
{
    private const int MaxHeadBytes = 1024 * 1024;
    private readonly byte[] buffer = new byte[64 * 1024];
    private int start;
    private int end;

    public int Number { get; } = number;

    /// <summary>Whether this side has closed it.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Reads the head of the next request; null where the other side has closed first.</summary>
    public async Task<RecordedRequest?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        while (head.Length < MaxHeadBytes)
        {
            if (await ReadByteAsync(cancellationToken) is not { } next)
            {
                return head.Length == 0 ? null : Broken(head.ToString(), "ended within the head");
            }

            head.Append((char)next);
            if (next == '\n' && head.Length >= 4 && head[^2] == '\r' && head[^3] == '\n' && head[^4] == '\r')
            {
                return RecordedRequest.Parse(Number, head.ToString(0, head.Length - 4));
            }
        }

        return Broken(head.ToString(), "a head without end");
    }

    /// <summary>Reads the body of a request to its end, or to where the other side leaves off.</summary>
    public async Task ReadBodyAsync(RecordedRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        try
        {
            request.Complete = request["Transfer-Encoding"].Count > 0
                ? await ReadChunksAsync(request, body, cancellationToken)
                : await CopyAsync(request["Content-Length"] is [var length] ? long.Parse(length, CultureInfo.InvariantCulture) : 0, body, cancellationToken);
        }
        finally
        {
            request.Body = body.ToArray();
        }
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    /// <summary>Waits until the other side closes; what it sends meanwhile is dropped.</summary>
    public async Task WaitForCloseAsync(CancellationToken cancellationToken)
    {
        try
        {
            do
            {
                start = end;
            }
            while (await FillAsync(cancellationToken));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reset, or closed from this side: closed as well.
        }
    }

    /// <summary>Ends it by RST instead of FIN.</summary>
    public void Reset()
    {
        if (!IsClosed)
        {
            socket.LingerState = new LingerOption(true, 0);
            Dispose();
        }
    }

    public void Dispose()
    {
        IsClosed = true;
        socket.Dispose();
    }

    private RecordedRequest Broken(string head, string reason)
    {
        var request = RecordedRequest.Parse(Number, head);
        request.Malformed = reason;
        return request;
    }

    private async Task<bool> ReadChunksAsync(RecordedRequest request, MemoryStream body, CancellationToken cancellationToken)
    {
        while (true)
        {
            var line = await ReadLineAsync(cancellationToken);
            if (line is null)
            {
                return false;
            }

            if (!int.TryParse(line, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size < 0)
            {
                request.Malformed = $"chunk size '{line}'";
                return false;
            }

            if (!await CopyAsync(size, body, cancellationToken) || await ReadLineAsync(cancellationToken) is not { } after)
            {
                return false;
            }

            if (after.Length > 0)
            {
                request.Malformed = size == 0 ? $"trailer '{after}'" : "chunk longer than its size";
                return false;
            }

            if (size == 0)
            {
                return true;
            }
        }
    }

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (await ReadByteAsync(cancellationToken) is { } next)
        {
            line.Append((char)next);
            if (next == '\n')
            {
                return line.Length > 1 && line[^2] == '\r' ? line.ToString(0, line.Length - 2) : line.ToString();
            }
        }

        return null;
    }

    private async Task<bool> CopyAsync(long count, MemoryStream target, CancellationToken cancellationToken)
    {
        while (count > 0)
        {
            if (start == end && !await FillAsync(cancellationToken))
            {
                return false;
            }

            var part = (int)Math.Min(count, end - start);
            target.Write(buffer, start, part);
            start += part;
            count -= part;
        }

        return true;
    }

    private async ValueTask<byte?> ReadByteAsync(CancellationToken cancellationToken) =>
        start < end || await FillAsync(cancellationToken) ? buffer[start++] : null;

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        start = 0;
        end = 0;
        end = await socket.ReceiveAsync(buffer, cancellationToken);
        return end > 0;
    }
}
