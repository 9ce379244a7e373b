using System.Buffers.Binary;
using System.Text;

namespace DineHub.Tests.Ingress;

/// <summary>A client of HTTP/2 (RFC 9113) that sends what no client library would.</summary>
internal sealed class Http2Connection(RawConnection connection) : IAsyncDisposable
{
    private const int Data = 0;
    private const int Headers = 1;
    private const int Reset = 3;
    private const int Settings = 4;
    private const int GoAway = 7;
    private const int EndOfStream = 1;
    private const int EndOfHeaders = 4;

    public async Task BeginAsync()
    {
        await connection.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await SendFrameAsync(Settings, 0, 0, []);
    }

    /// <summary>Sends a request as stream 1: every field as a literal, in whatever bytes it has.</summary>
    public async Task SendAsync(IEnumerable<(string Name, string Value)> fields, params string[] body)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0);
            WriteText(block, name);
            WriteText(block, value);
        }

        await SendFrameAsync(Headers, EndOfHeaders | (body.Length == 0 ? EndOfStream : 0), 1, block.ToArray());
        for (var i = 0; i < body.Length; i++)
        {
            await SendFrameAsync(Data, i == body.Length - 1 ? EndOfStream : 0, 1, Encoding.Latin1.GetBytes(body[i]));
        }
    }

    /// <summary>Reads until stream 1 or the connection ends.</summary>
    /// <returns>Whether an answer came.</returns>
    public async Task<bool> WaitForEndAsync()
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        var answered = false;
        var head = new byte[9];
        try
        {
            while (true)
            {
                await connection.Stream.ReadExactlyAsync(head, patience.Token);
                var (type, flags) = (head[3], head[4]);
                var stream = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5));
                await connection.Stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]], patience.Token);
                answered |= type == Headers;
                if (type == GoAway || (stream == 1 && (type == Reset || (type is Headers or Data && (flags & EndOfStream) != 0))))
                {
                    return answered;
                }
            }
        }
        catch (IOException)
        {
            return answered;
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task SendFrameAsync(int type, int flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = ((byte)type, (byte)flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        try
        {
            await connection.SendAsync(frame);
        }
        catch (IOException)
        {
            // Closed after an earlier frame; that is read then.
        }
    }

    // HPACK (RFC 7541, section 5.2), without Huffman's code.
    private static void WriteText(MemoryStream block, string text)
    {
        text.Length.ShouldBeLessThan(127);
        block.WriteByte((byte)text.Length);
        block.Write(Encoding.Latin1.GetBytes(text));
    }
}
