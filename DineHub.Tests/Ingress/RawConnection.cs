using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace DineHub.Tests.Ingress;

/// <summary>A client's connection that sends any bytes.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private readonly Socket socket;
    private readonly byte[] buffer = new byte[16 * 1024];
    private int start;
    private int end;

    private RawConnection(Socket socket, Stream stream)
    {
        this.socket = socket;
        Stream = stream;
    }

    /// <summary>What is sent and received by, TLS taken off.</summary>
    public Stream Stream { get; }

    /// <summary>What TLS has agreed on; null without it.</summary>
    public SslStream? Tls => Stream as SslStream;

    /// <summary>The port of this side.</summary>
    public int LocalPort => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>Connects to a port of 127.0.0.1.</summary>
    /// <param name="port">The port.</param>
    /// <param name="tls">How TLS is spoken; null: not at all.</param>
    public static async Task<RawConnection> OpenAsync(int port, SslClientAuthenticationOptions? tls)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).OrFailAsync("the connection is accepted");
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (tls is not null)
            {
                var secured = new SslStream(stream);
                await secured.AuthenticateAsClientAsync(tls).OrFailAsync("TLS is agreed on");
                stream = secured;
            }

            return new RawConnection(socket, stream);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends text as Latin-1.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => Stream.WriteAsync(bytes).OrFailAsync("what is sent is taken");

    /// <summary>Sends text, unless the other side has closed.</summary>
    /// <returns>Whether it could be sent.</returns>
    public async Task<bool> TrySendAsync(string text)
    {
        try
        {
            await SendAsync(text);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Reads one answer; null where the connection ends before it begins.</summary>
    /// <param name="mayBeOld">Whether it may be of HTTP/0.9: a body alone, to the end, which counts as 200.</param>
    /// <exception cref="EndOfStreamException">It ends within the answer.</exception>
    public async Task<Answer?> ReadAnswerAsync(bool mayBeOld = false)
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        while (true)
        {
            if (await ReadHeadAsync(mayBeOld, patience.Token) is not { } head)
            {
                return null;
            }

            if (!head.StartsWith("HTTP/", StringComparison.Ordinal))
            {
                return new Answer(200, new Version(0, 9), Array.Empty<string>().ToLookup(text => text), Encoding.Latin1.GetBytes(head));
            }

            var lines = head.Split("\r\n");
            var status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
            if (status is >= 100 and < 200)
            {
                continue;
            }

            var fields = lines[1..].Select(line => line.Split(':', 2)).ToLookup(pair => pair[0], pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase);
            return new Answer(
                status,
                Version.Parse(lines[0].Split(' ')[0][5..]),
                fields,
                status is not (204 or 304) ? await ReadBodyAsync(fields, patience.Token) : []);
        }
    }

    /// <summary>Reads to the first byte of a body.</summary>
    public async Task<string> ReadHeadAsync()
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        return (await ReadHeadAsync(mayBeOld: false, patience.Token)).ShouldNotBeNull();
    }

    /// <summary>Reads up to and with a text.</summary>
    public async Task<string> ReadToAsync(string end)
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        var text = new StringBuilder();
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            text.Append((char)(await ReadByteAsync(patience.Token) ?? throw new EndOfStreamException($"Closed after '{text}'.")));
        }

        return text.ToString();
    }

    /// <summary>Reads until the other side closes or resets the connection.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        var text = new StringBuilder();
        while (await ReadByteAsync(patience.Token) is { } next)
        {
            text.Append((char)next);
        }

        return text.ToString();
    }

    /// <summary>Whether something comes, or the other side closes, within a moment.</summary>
    public async Task<bool> StaysSilentAsync(TimeSpan moment)
    {
        using var patience = new CancellationTokenSource(moment);
        try
        {
            await ReadByteAsync(patience.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Many of them would leave as many ports in TIME_WAIT.
        socket.LingerState = new LingerOption(true, 0);
        try
        {
            await Stream.DisposeAsync();
        }
        catch (IOException)
        {
            // The other side has gone; no close_notify is needed.
        }

        socket.Dispose();
    }

    private async Task<string?> ReadHeadAsync(bool mayBeOld, CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            if (await ReadByteAsync(cancellationToken) is not { } next)
            {
                return head.Length == 0 ? null : mayBeOld ? head.ToString() : throw new EndOfStreamException($"Closed within the head: '{head}'.");
            }

            head.Append((char)next);
        }

        return head.ToString(0, head.Length - 4);
    }

    private async Task<byte[]> ReadBodyAsync(ILookup<string, string> fields, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        if (fields["Transfer-Encoding"].Any())
        {
            while (true)
            {
                var size = int.Parse((await ReadToAsync("\r\n")).TrimEnd(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                await CopyAsync(body, size, cancellationToken);
                (await ReadToAsync("\r\n")).ShouldBe("\r\n");
                if (size == 0)
                {
                    return body.ToArray();
                }
            }
        }

        if (fields["Content-Length"].SingleOrDefault() is { } length)
        {
            await CopyAsync(body, int.Parse(length, CultureInfo.InvariantCulture), cancellationToken);
        }
        else
        {
            while (await ReadByteAsync(cancellationToken) is { } next)
            {
                body.WriteByte(next);
            }
        }

        return body.ToArray();
    }

    private async Task CopyAsync(MemoryStream body, int count, CancellationToken cancellationToken)
    {
        for (var i = 0; i < count; i++)
        {
            body.WriteByte(await ReadByteAsync(cancellationToken) ?? throw new EndOfStreamException($"Closed after {i} of {count} bytes of the body."));
        }
    }

    private async ValueTask<byte?> ReadByteAsync(CancellationToken cancellationToken)
    {
        if (start == end)
        {
            try
            {
                start = 0;
                end = 0;
                end = await Stream.ReadAsync(buffer, cancellationToken);
            }
            catch (IOException)
            {
                // Reset: closed as well.
            }
        }

        return start < end ? buffer[start++] : null;
    }
}
