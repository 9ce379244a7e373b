using System.Diagnostics;
using System.Globalization;
using System.Net.NetworkInformation;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>How long an ingress waits for backends and for clients.</summary>
public sealed class TimeoutTests
{
    // Only what must run into a time-out has a short one; what must not has one that a slow machine does not run into between two bytes.
    private static readonly IngressPolicy HastyForBodies = IngressScene.Policy with { RequestBodyTimeoutSeconds = 1 };
    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(200);
    private const int PatientSeconds = 5;

    // This number of drips takes longer than PatientSeconds.
    private const int Drips = 35;

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_that_falls_silent_within_its_answer_breaks_it(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { ResponseTimeoutSeconds = 1 }, "eu-1 us-1");
        scene["eu-1"].Script = BackendScripts.HangMidAnswer(declared: 1000, sent: 10);
        await Should.ThrowAsync<HttpRequestException>(() => scene.GetAsync("/api/v1/x"));
        scene["us-1"].Count.ShouldBe(0);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_that_answers_slowly_but_steadily_is_waited_for(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { ResponseTimeoutSeconds = PatientSeconds }, "eu-1");
        scene["eu-1"].Script = async exchange =>
        {
            await exchange.SendAsync(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nX-Backend: eu-1\r\nContent-Length: {Drips}\r\n\r\n"));
            for (var i = 0; i < Drips; i++)
            {
                await Task.Delay(Drip, exchange.Stopping);
                await exchange.SendAsync("x");
            }
        };
        (await scene.GetAsync("/api/v1/x")).Text.ShouldBe(new string('x', Drips));
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_connection_without_requests_is_closed_after_a_while(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { IdleTimeoutSeconds = 3 }, "eu-1");
        foreach (var secure in new[] { true, false })
        {
            await using var connection = secure ? await scene.ConnectAsync() : await scene.ConnectPlainAsync();
            for (var i = 0; i < 2; i++)
            {
                await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
                (await connection.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBe(secure ? 200 : 308);
            }

            (await connection.ReadToEndAsync()).ShouldBeEmpty();
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task Slow_heads_are_cut_and_delay_no_other_client(IngressKind ingress)
    {
        const int Slow = 100;
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { RequestHeadersTimeoutSeconds = 3 }, "eu-1");
        var connections = await Task.WhenAll(Enumerable.Range(0, Slow).Select(i => i % 2 == 0 ? scene.ConnectAsync() : scene.ConnectPlainAsync()));
        using var stop = new CancellationTokenSource(Deadline.Usual);
        var dripping = connections.Select(async connection =>
        {
            var more = await connection.TrySendAsync("GET /api/v1/slow HTTP/1.1\r\nHost: localhost\r\n");
            for (var i = 0; more && !stop.IsCancellationRequested; i++)
            {
                await Task.Delay(Drip);
                more = await connection.TrySendAsync(string.Create(CultureInfo.InvariantCulture, $"X-{i}: y\r\n"));
            }
        }).ToList();

        (await scene.AnswersAsync(200, atOnce: 4)).Keys.ShouldBe(["eu-1"]);
        foreach (var connection in connections)
        {
            // Silence, or 408.
            (await connection.ReadToEndAsync()).ShouldSatisfyAllConditions(text => (text.Length == 0 || text.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal)).ShouldBeTrue(text));
        }

        await stop.CancelAsync();
        await Task.WhenAll(dripping).OrFailAsync("nothing drips any more");
        scene["eu-1"].CountOf("/api/v1/slow").ShouldBe(0);
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    [Theory, OnGateway, OnNginx]
    [Case("Content-Length: 1000", "0123456789")]
    [Case("Transfer-Encoding: chunked", "5\r\n01234\r\n")]
    public async Task A_body_that_stands_still_is_cut_and_reaches_no_backend_whole(IngressKind ingress, string framing, string begin)
    {
        await using var scene = await IngressScene.StartAsync(ingress, HastyForBodies, "eu-1");
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n{begin}");
        var answer = await connection.ReadToEndAsync();
        (answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal)).ShouldBeTrue(answer);
        scene.Seen.ShouldNotContain(request => request.Complete);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_body_that_drips_in_is_cut(IngressKind ingress)
    {
        var differs = ingress.Has(Difference.SlowClient);
        await using var scene = await IngressScene.StartAsync(ingress, differs ? IngressScene.Policy with { RequestBodyTimeoutSeconds = PatientSeconds } : HastyForBodies, "eu-1");
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {(differs ? Drips : 100_000)}\r\n\r\n");
        var dripping = Stopwatch.StartNew();
        var open = true;
        for (var sent = 0; open && !(differs && sent == Drips); sent++)
        {
            dripping.Elapsed.ShouldBeLessThan(Deadline.Usual, "Waited in vain until the body is cut.");
            await Task.Delay(Drip);
            open = await connection.TrySendAsync("x");
        }

        if (differs)
        {
            (await connection.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBe(200);
            scene.Seen.ShouldHaveSingleItem().Body.Length.ShouldBe(Drips);
            dripping.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(PatientSeconds));
        }
        else
        {
            var answer = await connection.ReadToEndAsync();
            (answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal)).ShouldBeTrue(answer);
            scene.Seen.ShouldNotContain(request => request.Complete);
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_client_that_takes_nothing_of_its_answer_is_cut(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, HastyForBodies with { ResponseTimeoutSeconds = ingress.Has(Difference.SlowClient) ? 60 : 3 }, "eu-1");
        scene["eu-1"].Script = BackendScripts.Large(50_000_000);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (await connection.ReadHeadAsync()).ShouldStartWith("HTTP/1.1 200 ");

        // Its own end knows nothing of it before it reads, so the ingress' end is looked at.
        var properties = IPGlobalProperties.GetIPGlobalProperties();
        await Eventually.TrueAsync(
            () => !properties.GetActiveTcpConnections().Any(one =>
                one.LocalEndPoint.Port == scene.Setup.HttpsPort && one.RemoteEndPoint.Port == connection.LocalPort && one.State == TcpState.Established),
            "the ingress has closed its end");
    }
}
