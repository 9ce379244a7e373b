using System.Text;

namespace DineHub.Tests.Ingress;

/// <summary>How a backend answers a request.</summary>
internal delegate Task BackendScript(BackendExchange exchange);

/// <summary>One request that a backend is about to answer.</summary>
internal sealed class BackendExchange(ScriptedBackend backend, BackendConnection connection, RecordedRequest request, CancellationToken stopping)
{
    private bool bodyRead;

    public ScriptedBackend Backend { get; } = backend;

    public RecordedRequest Request { get; } = request;

    /// <summary>Cancelled when the backend stops.</summary>
    public CancellationToken Stopping { get; } = stopping;

    /// <summary>Reads the request's body, unless that has been done.</summary>
    public async Task ReadBodyAsync()
    {
        if (!bodyRead)
        {
            bodyRead = true;
            await connection.ReadBodyAsync(Request, Stopping);
        }
    }

    /// <summary>Sends text as Latin-1, without any framing of its own.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => connection.SendAsync(bytes, Stopping);

    public Task WaitForCloseAsync() => connection.WaitForCloseAsync(Stopping);

    public void Reset() => connection.Reset();

    public void Close() => connection.Dispose();
}
