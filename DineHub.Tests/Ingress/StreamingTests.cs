using System.Threading.Channels;

namespace DineHub.Tests.Ingress;

/// <summary>Server-sent events through an ingress.</summary>
public sealed class StreamingTests
{
    private const string Kitchen = "/api/v1/restaurants/r1/kitchen/events";
    private const string Order = "/api/v1/restaurants/r1/orders/o1/events";

    [Theory, OnGateway, OnNginx]
    [Case(Kitchen)]
    [Case(Order)]
    [Case("/API/v1/restaurants/r1/Kitchen/events/?after=7")]
    public async Task Every_event_arrives_before_the_next_is_sent(IngressKind ingress, string path)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var events = Channel.CreateUnbounded<string>();
        scene["eu-1"].Script = BackendScripts.Events(events.Reader);
        using var response = await scene.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 20; i++)
        {
            events.Writer.TryWrite($"event {i}").ShouldBeTrue();
            (await ReadLineAsync(reader)).ShouldBe($"data: event {i}");
            (await ReadLineAsync(reader)).ShouldBe("");
        }

        events.Writer.Complete();
        (await ReadLineAsync(reader)).ShouldBeNull();
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_stream_with_a_heartbeat_outlives_every_time_out(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { ResponseTimeoutSeconds = 5, RequestBodyTimeoutSeconds = 1 }, "eu-1");
        var events = Channel.CreateUnbounded<string>();
        scene["eu-1"].Script = BackendScripts.Events(events.Reader);
        using var response = await scene.Client.GetAsync(Kitchen, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 28; i++)
        {
            await Task.Delay(250);
            events.Writer.TryWrite("beat").ShouldBeTrue();
            (await ReadLineAsync(reader)).ShouldBe("data: beat");
            (await ReadLineAsync(reader)).ShouldBe("");
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_stream_without_one_is_cut(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { ResponseTimeoutSeconds = 1 }, "eu-1");
        var events = Channel.CreateUnbounded<string>();
        scene["eu-1"].Script = BackendScripts.Events(events.Reader);
        using var response = await scene.Client.GetAsync(Kitchen, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        await Should.ThrowAsync<IOException>(() => ReadToEndAsync(stream));
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_learns_that_the_client_of_a_stream_has_gone(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var gone = new TaskCompletionSource();
        scene["eu-1"].Script = async exchange =>
        {
            await exchange.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            await exchange.WaitForCloseAsync();
            gone.SetResult();
        };
        using (await scene.Client.GetAsync(Kitchen, HttpCompletionOption.ResponseHeadersRead))
        {
            gone.Task.IsCompleted.ShouldBeFalse();
        }

        await Eventually.TrueAsync(() => gone.Task.IsCompleted, "the backend's stream ends");
    }

    private static async Task<string?> ReadLineAsync(StreamReader reader)
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        return await reader.ReadLineAsync(patience.Token);
    }

    private static async Task ReadToEndAsync(Stream stream)
    {
        using var patience = new CancellationTokenSource(Deadline.Usual);
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer, patience.Token) > 0)
        {
            // Nothing is wanted of it but its end.
        }
    }
}
