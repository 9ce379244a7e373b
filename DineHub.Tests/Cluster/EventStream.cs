using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Threading.Channels;

namespace DineHub.Tests.Cluster;

/// <summary>A client of a stream of server-sent events.</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<SseItem<string>> events = Channel.CreateUnbounded<SseItem<string>>();
    private readonly HttpResponseMessage response;
    private readonly Task reading;

    private EventStream(HttpResponseMessage response)
    {
        this.response = response;
        reading = Task.Run(ReadAsync);
    }

    public HttpResponseMessage Response => response;

    public static async Task<EventStream> OpenAsync(HttpClient client, string path, string? bearer = null, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        return new EventStream(response);
    }

    /// <summary>The next event that is no heartbeat, unless those are asked for; null at the end of the stream.</summary>
    public async Task<SseItem<string>?> NextAsync(bool heartbeats = false)
    {
        using var deadline = new CancellationTokenSource(Deadline.Usual);
        while (await events.Reader.WaitToReadAsync(deadline.Token))
        {
            if (events.Reader.TryRead(out var item) && (heartbeats || item.EventType != "heartbeat"))
            {
                return item;
            }
        }

        return null;
    }

    /// <summary>The next order, and the id of its event.</summary>
    public async Task<(JsonElement Order, string? Id)> NextOrderAsync()
    {
        while (await NextAsync() is { } item)
        {
            if (item.EventType == "order")
            {
                return (JsonDocument.Parse(item.Data).RootElement, item.EventId);
            }
        }

        throw new InvalidOperationException("The stream has ended.");
    }

    /// <summary>Reads until the event after what the stream begins with, and returns the orders before it.</summary>
    public async Task<(List<JsonElement> Orders, string? Id)> UntilLiveAsync()
    {
        var orders = new List<JsonElement>();
        while (await NextAsync() is { } item)
        {
            if (item.EventType == "live")
            {
                return (orders, item.EventId);
            }

            orders.Add(JsonDocument.Parse(item.Data).RootElement);
        }

        throw new InvalidOperationException("The stream has ended.");
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        response.Dispose();
        await reading.OrFailAsync("the stream is read no more");
        stop.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(stop.Token);
            await foreach (var item in SseParser.Create(stream).EnumerateAsync(stop.Token))
            {
                events.Writer.TryWrite(item);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            // The end of a stream that was cut is an end as well.
        }
        finally
        {
            events.Writer.TryComplete();
        }
    }
}
