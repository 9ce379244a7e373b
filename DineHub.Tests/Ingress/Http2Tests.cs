using System.Net;
using System.Net.Security;
using DineHub.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>HTTP/2 in front, HTTP/1.1 behind: nothing that a frame holds becomes a line of its own.</summary>
public sealed class Http2Tests
{
    private const string Hidden = "GET /api/v1/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private static readonly IngressPolicy Hasty = IngressScene.Policy with { RequestHeadersTimeoutSeconds = 1, RequestBodyTimeoutSeconds = 1, IdleTimeoutSeconds = 2 };

    [Theory, OnGateway, OnNginx]
    public async Task A_request_arrives_whole(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        using var client = scene.NewClient(version: HttpVersion.Version20);
        var body = new byte[100_000];
        Random.Shared.NextBytes(body);
        var answer = await IngressScene.SendAsync(client, "POST", "/api/v1/x?y=1", new ByteArrayContent(body), "X-Twice: 1", "Cookie: a=1", "Connection: close");
        answer.Status.ShouldBe(200);
        answer.Version.ShouldBe(HttpVersion.Version20);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen.Malformed.ShouldBeNull();
        seen.Target.ShouldBe("/api/v1/x?y=1");
        seen.Body.ShouldBe(body);
        seen["Host"].ShouldBe(["127.0.0.1"]);
        seen["X-Forwarded-Proto"].ShouldBe(["https"]);
        seen["X-Forwarded-Host"].ShouldBe([$"127.0.0.1:{scene.Setup.HttpsPort}"]);
        seen["Cookie"].ShouldBe(["a=1"]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Many_requests_at_once_share_a_connection(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress);
        using var client = scene.NewClient(version: HttpVersion.Version20);
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => IngressScene.SendAsync(client, "GET", $"/api/v1/{i}")));
        answers.ShouldAllBe(answer => answer.Status == 200);
        scene.Seen.Select(request => request.Path).Distinct().Count().ShouldBe(200);
    }

    [Theory, OnGateway, OnNginx]
    [Case("content-length", "3", "hello")]
    [Case("content-length", "60", "hello")]
    [Case("content-length", "5, 6", "hello")]
    [Case("content-length", "+5", "hello")]
    [Case("transfer-encoding", "chunked", "0\r\n\r\n" + Hidden)]
    [Case("transfer-encoding", "xchunked", "0\r\n\r\n" + Hidden)]
    [Case("connection", "close", "")]
    [Case("connection", "x-forwarded-for", "")]
    [Case("upgrade", "h2c", "")]
    [Case("x-name", "a\r\nx-evil: injected", "")]
    [Case("x-name", "a\nx-evil: injected", "")]
    [Case("x-name", "a\r\n\r\n" + Hidden, "")]
    [Case("x-name", "a\0b", "")]
    [Case("x-name\r\nx-evil", "injected", "")]
    [Case("x-name: 1\r\nx-evil", "injected", "")]
    [Case("x-evil: injected\r\ntransfer-encoding", "chunked", "0\r\n\r\n" + Hidden)]
    [Case("x evil", "1", "")]
    [Case("X-Evil", "1", "")]
    [Case("x-evil:", "1", "")]
    [Case("", "1", "")]
    [Case("host", "evil.example", "")]
    [Case(":path", "/api/v1/hidden", "")]
    [Case(":evil", "1", "")]
    public async Task No_field_of_a_request_becomes_more_than_one_field(IngressKind ingress, string name, string value, string body)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Hasty, "eu-1");
        await SendAsync(scene, [.. Request("POST", "/api/v1/x"), (name, value)], body);
        OneOrNone(scene);
    }

    [Theory, OnGateway, OnNginx]
    [Case(":method", "GET /api/v1/hidden HTTP/1.1\r\nHost: localhost\r\nx: ")]
    [Case(":method", "GET /x")]
    [Case(":method", "")]
    [Case(":path", "/api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n" + "GET /api/v1/hidden")]
    [Case(":path", "/api/v1/x\r\nx-evil: injected")]
    [Case(":path", "/api/v1/x y")]
    [Case(":path", "/api/../metrics")]
    [Case(":path", "api/v1/x")]
    [Case(":path", "")]
    [Case(":path", "https://localhost/api/v1/x")]
    [Case(":authority", "localhost\r\nx-evil: injected")]
    [Case(":authority", "localhost/api")]
    [Case(":authority", "user@localhost")]
    [Case(":authority", "")]
    [Case(":scheme", "https://evil.example/x?")]
    [Case(":scheme", "http\r\nx-evil: injected")]
    public async Task No_part_of_the_first_line_becomes_more_than_it_is(IngressKind ingress, string name, string value)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Hasty, "eu-1");
        await SendAsync(scene, [.. Request("GET", "/api/v1/x").Select(field => field.Name == name ? (name, value) : field)], "");
        OneOrNone(scene, mayBeElsewhere: name == ":path");
        scene.Seen.ShouldAllBe(request => request["Host"].Single() == "localhost" || name == ":authority");
    }

    private static (string Name, string Value)[] Request(string method, string path) =>
        [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)];

    private static async Task SendAsync(IngressScene scene, (string Name, string Value)[] fields, string body)
    {
        await using var connection = new Http2Connection(await scene.ConnectAsync(protocol: SslApplicationProtocol.Http2));
        await connection.BeginAsync();
        await connection.SendAsync(fields, body.Length == 0 ? [] : [body]);
        await connection.WaitForEndAsync();
    }

    private static void OneOrNone(IngressScene scene, bool mayBeElsewhere = false)
    {
        var complete = scene.Seen.Where(request => request.Complete || request.Malformed is not null).ToList();
        complete.Count.ShouldBeLessThanOrEqualTo(1);
        foreach (var seen in complete)
        {
            seen.Malformed.ShouldBeNull();
            seen.Head.ShouldNotContain("injected");
            seen.Head.ShouldNotContain("evil.example");
            seen.Path.ShouldNotContain("hidden");
            seen["X-Forwarded-For"].ShouldBe(["127.0.0.1"]);
            if (!mayBeElsewhere)
            {
                seen.Path.ShouldBe("/api/v1/x");
            }
        }
    }
}
