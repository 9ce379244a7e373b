using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace DineHub.Tests.Ingress;

/// <summary>The ways in which scripted backends answer, and fail to.</summary>
internal static class BackendScripts
{
    /// <summary>Names the backend that has answered.</summary>
    public const string BackendField = "X-Backend";

    /// <summary>Reads the whole request, and tells who has answered.</summary>
    public static BackendScript Normal { get; } = Status(200);

    /// <summary>Reads the whole request, and ends the connection without a word, by RST.</summary>
    public static BackendScript ResetBeforeAnswer { get; } = async exchange =>
    {
        await exchange.ReadBodyAsync();
        exchange.Reset();
    };

    /// <summary>Reads the whole request, and ends the connection without a word, by FIN.</summary>
    public static BackendScript CloseBeforeAnswer { get; } = async exchange =>
    {
        await exchange.ReadBodyAsync();
        exchange.Close();
    };

    /// <summary>Ends the connection before it has read the body.</summary>
    public static BackendScript ResetBeforeBody { get; } = exchange =>
    {
        exchange.Reset();
        return Task.CompletedTask;
    };

    /// <summary>Reads the whole request, and never answers.</summary>
    public static BackendScript Hang { get; } = async exchange =>
    {
        await exchange.ReadBodyAsync();
        await exchange.WaitForCloseAsync();
        exchange.Close();
    };

    /// <summary>Answers with a status, and JSON that tells who has answered.</summary>
    /// <param name="status">The status.</param>
    /// <param name="fields">Header fields: <c>Name: value</c>.</param>
    public static BackendScript Status(int status, params string[] fields) => async exchange =>
    {
        await exchange.ReadBodyAsync();
        var name = exchange.Backend.Name;
        var body = $$"""{"backend":"{{name}}","bytes":{{exchange.Request.Body.Length}}}""";
        await exchange.SendAsync(Head(name, status, [$"Content-Length: {body.Length}", "Content-Type: application/json", .. fields])
            + (exchange.Request.Method == "HEAD" ? "" : body));
    };

    /// <summary>Answers as another script does, but not before it is told to.</summary>
    public static BackendScript After(Task signal, BackendScript script) => async exchange =>
    {
        await exchange.ReadBodyAsync();
        await signal.WaitAsync(exchange.Stopping);
        await script(exchange);
    };

    /// <summary>Answers by turns.</summary>
    public static BackendScript InTurn(params BackendScript[] scripts)
    {
        var turn = -1;
        return exchange => scripts[Interlocked.Increment(ref turn) % scripts.Length](exchange);
    }

    /// <summary>Begins an answer, and resets the connection when it is told to.</summary>
    /// <param name="declared">The length that is declared; null for chunks.</param>
    /// <param name="sent">How many bytes of the body are sent, all of them the letter 'x'.</param>
    /// <param name="signal">When to reset.</param>
    public static BackendScript ResetMidAnswer(int? declared, int sent, Task signal) => async exchange =>
    {
        await BeginAsync(exchange, declared, sent);
        await signal.WaitAsync(exchange.Stopping);
        exchange.Reset();
    };

    /// <summary>Begins an answer, and is silent then.</summary>
    public static BackendScript HangMidAnswer(int declared, int sent) => async exchange =>
    {
        await BeginAsync(exchange, declared, sent);
        await exchange.WaitForCloseAsync();
        exchange.Close();
    };

    /// <summary>Sends a body of that many bytes, 'x' all of them.</summary>
    public static BackendScript Large(int bytes) => async exchange =>
    {
        await BeginAsync(exchange, bytes, sent: 0);
        var part = Encoding.Latin1.GetBytes(new string('x', 64 * 1024));
        for (var left = bytes; left > 0; left -= part.Length)
        {
            await exchange.SendAsync(part.AsMemory(0, Math.Min(left, part.Length)));
        }
    };

    /// <summary>Sends exactly this, and closes.</summary>
    public static BackendScript Raw(string answer) => async exchange =>
    {
        await exchange.ReadBodyAsync();
        await exchange.SendAsync(answer);
        exchange.Close();
    };

    /// <summary>Sends events as they come, in chunks, until there are no more.</summary>
    public static BackendScript Events(ChannelReader<string> events) => async exchange =>
    {
        await exchange.ReadBodyAsync();
        await exchange.SendAsync(Head(exchange.Backend.Name, 200, ["Content-Type: text/event-stream", "Cache-Control: no-store", "Transfer-Encoding: chunked"]));
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(exchange.Stopping);
        var closed = exchange.WaitForCloseAsync().ContinueWith(_ => gone.Cancel(), TaskScheduler.Default);
        await foreach (var data in events.ReadAllAsync(gone.Token))
        {
            await exchange.SendAsync(Chunk($"data: {data}\n\n"));
        }

        await exchange.SendAsync(Chunk(""));
        exchange.Close();
        await closed;
    };

    private static async Task BeginAsync(BackendExchange exchange, int? declared, int sent)
    {
        await exchange.ReadBodyAsync();
        var body = new string('x', sent);
        var framing = declared is null ? "Transfer-Encoding: chunked" : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {declared}");
        await exchange.SendAsync(Head(exchange.Backend.Name, 200, [framing, "Content-Type: text/plain"]) + (declared is null ? Chunk(body) : body));
    }

    private static string Chunk(string data) => string.Create(CultureInfo.InvariantCulture, $"{Encoding.Latin1.GetByteCount(data):x}\r\n{data}\r\n");

    private static string Head(string backend, int status, string[] fields) =>
        $"HTTP/1.1 {status} Scripted\r\n{BackendField}: {backend}\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n";
}
