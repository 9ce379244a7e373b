using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace DineHub.Tests.Ingress;

/// <summary>An ingress that is told to stop: SIGTERM for the gateway, SIGQUIT for nginx, as its systemd unit sends.</summary>
public sealed class DrainTests
{
    private const string Stream = "/api/v1/restaurants/r1/kitchen/events";

    [Theory, OnGateway, OnNginx]
    public async Task Drain_completes_open_requests_and_refuses_new_connections(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { DrainSeconds = 50 }, "eu-1", asProcess: true);
        await using var idle = await scene.ConnectAsync();
        await idle.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (await idle.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBe(200);

        var end = new TaskCompletionSource();
        scene["eu-1"].Script = BackendScripts.After(end.Task, BackendScripts.Normal);
        var request = scene.SendAsync("POST", "/api/v1/x", new StringContent("basket"));
        await Eventually.TrueAsync(() => scene["eu-1"].Requests.Any(one => one.Method == "POST" && one.Complete), "the request is under way");
        scene.Ingress.BeginStop();
        await Eventually.TrueAsync(async () => await IsRefusedAsync(scene.Setup.HttpsPort) && await IsRefusedAsync(scene.Setup.HttpPort), "new connections are refused");
        (await idle.ReadToEndAsync()).ShouldBeEmpty();
        request.IsCompleted.ShouldBeFalse();
        end.SetResult();
        var answer = await request;
        answer.Status.ShouldBe(200);
        answer.Text.ShouldContain("\"bytes\":6");
        await Eventually.TrueAsync(() => scene.Ingress.HasEnded, "the ingress has ended");
    }

    [Theory, OnGateway, OnNginx]
    public async Task Streams_end_so_that_their_clients_go_elsewhere(IngressKind ingress)
    {
        // Longer than anybody waits here: only what ends by itself ends.
        var cuts = ingress.Has(Difference.StreamEnd);
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { DrainSeconds = cuts ? 2 : 300 }, "eu-1", asProcess: true);
        var events = Channel.CreateUnbounded<string>();
        scene["eu-1"].Script = BackendScripts.Events(events.Reader);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"GET {Stream} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        events.Writer.TryWrite("first").ShouldBeTrue();
        await connection.ReadToAsync("data: first\n\n");
        scene.Ingress.BeginStop();
        (await connection.ReadToEndAsync()).EndsWith("0\r\n\r\n", StringComparison.Ordinal).ShouldBe(!cuts, "the stream ends whole");
        await Eventually.TrueAsync(() => scene.Ingress.HasEnded, "the ingress has ended");
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_does_not_end_in_time_is_cut(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { DrainSeconds = 1 }, "eu-1", asProcess: true);
        scene["eu-1"].Script = BackendScripts.Hang;
        var request = scene.GetAsync("/api/v1/x");
        await Eventually.TrueAsync(() => scene["eu-1"].Count == 1, "the request is under way");
        scene.Ingress.BeginStop();
        await Eventually.TrueAsync(() => scene.Ingress.HasEnded, "the ingress has ended");
        await Should.ThrowAsync<HttpRequestException>(async () => (await request).Status.ShouldBe(200));
    }

    private static async Task<bool> IsRefusedAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).OrFailAsync("a connection is accepted or refused");
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
