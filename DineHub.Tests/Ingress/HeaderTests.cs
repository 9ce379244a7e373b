using System.Text.RegularExpressions;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>What an ingress makes of header fields, in both directions.</summary>
public sealed partial class HeaderTests(SharedScenes scenes) : IClassFixture<SharedScenes>
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Theory, OnGateway, OnNginx]
    public async Task What_a_client_says_of_where_it_comes_from_is_replaced_or_dropped(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var lies = string.Concat(IngressHeaders.Distrusted.Append("X-Forwarded-For").Append("X-Forwarded-Proto").Select(name => $"{name}: 203.0.113.9\r\n"));
        var answer = await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: dinehub.example:8443\r\n{lies}{lies.ToUpperInvariant()}\r\n");
        answer.Status.ShouldBe(200, answer.Text);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen["X-Forwarded-For"].ShouldBe(["127.0.0.1"]);
        seen["X-Forwarded-Proto"].ShouldBe(["https"]);
        seen["X-Forwarded-Host"].ShouldBe(["dinehub.example:8443"]);
        seen["Host"].ShouldBe(["dinehub.example"]);
        foreach (var name in IngressHeaders.Distrusted.Except(["X-Forwarded-Host"]))
        {
            seen[name].ShouldBeEmpty(name);
        }

        seen.Head.ShouldNotContain("203.0.113.9");
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_belongs_to_one_connection_is_not_passed_on(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var fields = string.Concat(IngressHeaders.HopByHop.Except(["Connection", "Upgrade", "TE"]).Select(name => $"{name}: value\r\n"));
        (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{fields}TE: trailers\r\nUpgrade: websocket\r\nConnection: Upgrade, TE, keep-alive\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        foreach (var name in IngressHeaders.HopByHop.Except(["Connection"]))
        {
            seen[name].ShouldBeEmpty(name);
        }

        // Nothing, or what keeps it open.
        seen["Connection"].Where(value => !value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-Id, traceparent")]
    [Case("close, X-Forwarded-For")]
    [Case("Host, Content-Length, Authorization")]
    public async Task A_client_cannot_name_what_the_backend_must_know_as_belonging_to_its_connection(IngressKind ingress, string nominated)
    {
        var scene = await scenes.GetAsync(ingress);
        await scene.SendRawAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 6\r\nConnection: {nominated}\r\n\r\nbasket");
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen["Host"].ShouldBe(["localhost"]);
        seen["X-Forwarded-For"].ShouldBe(["127.0.0.1"]);
        seen["X-Forwarded-Proto"].ShouldBe(["https"]);
        seen["X-Forwarded-Host"].ShouldBe(["localhost"]);
        seen["X-Request-Id"].Count.ShouldBe(1);
        seen["traceparent"].Count.ShouldBe(1);
        seen["Authorization"].ShouldBe(["Bearer x"]);
        seen.Body.Length.ShouldBe(6);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Names_with_underscores_are_dropped(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nX_Forwarded_For: 203.0.113.9\r\nX-DineHub_Node: 203.0.113.9\r\n_: 203.0.113.9\r\nX-Kept: 1\r\n\r\n"))
            .Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen.Head.ShouldNotContain("203.0.113.9");
        seen["X-Kept"].ShouldBe(["1"]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Other_fields_are_passed_on_as_they_are(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a.b-c_d~e\r\nIf-None-Match: \"a\", W/\"b\"\r\nAccept: a/b;q=0.1, */*\r\n"
            + "Accept-Encoding: br, gzip\r\nAccept-Language: nl\r\nCookie: a=1; b=2\r\nUser-Agent: odd (agent; 1.0) x/y\r\nX-Empty:\r\nX-Twice: 1\r\nX-Twice: 2\r\nLast-Event-ID: 7\r\nOrigin: https://a.example\r\n\r\n"))
            .Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen["Authorization"].ShouldBe(["Bearer a.b-c_d~e"]);
        string.Join(", ", seen["If-None-Match"]).ShouldBe("\"a\", W/\"b\"");
        string.Join(", ", seen["Accept"]).ShouldBe("a/b;q=0.1, */*");
        string.Join(", ", seen["Accept-Encoding"]).ShouldBe("br, gzip");
        seen["Accept-Language"].ShouldBe(["nl"]);
        seen["Cookie"].ShouldBe(["a=1; b=2"]);
        string.Join(" ", seen["User-Agent"]).ShouldBe("odd (agent; 1.0) x/y");
        string.Join(", ", seen["X-Twice"]).ShouldBe("1, 2");
        seen["Last-Event-ID"].ShouldBe(["7"]);
        seen["Origin"].ShouldBe(["https://a.example"]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_request_gets_an_identity_that_the_backend_and_the_client_are_told(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Status(200, "X-Request-Id: forged-by-backend");
        var first = await scene.GetAsync("/api/v1/x", "X-Request-Id: forged");
        var second = await scene.GetAsync("/api/v1/x");
        first["X-Request-Id"].ShouldNotBeNull().ShouldMatch("^[0-9a-f]{32}$");
        second["X-Request-Id"].ShouldNotBe(first["X-Request-Id"]);
        scene.Seen.Select(request => request["X-Request-Id"].ShouldHaveSingleItem()).ShouldBe([first["X-Request-Id"]!, second["X-Request-Id"]!]);
        (await scene.GetAsync("/metrics", "X-Request-Id: forged"))["X-Request-Id"].ShouldNotBeNull().ShouldMatch("^[0-9a-f]{32}$");
    }

    [Theory, OnGateway, OnNginx]
    [Case($"00-{TraceId}-00f067aa0ba902b7-01")]
    [Case($"00-{TraceId}-00f067aa0ba902b7-00")]
    public async Task A_valid_trace_goes_on(IngressKind ingress, string traceParent)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.GetAsync("/api/v1/x", $"traceparent: {traceParent}", "tracestate: a=1")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        var passed = TraceParent().Match(seen["traceparent"].ShouldHaveSingleItem());
        passed.Groups["trace"].Value.ShouldBe(TraceId);
        seen["tracestate"].ShouldBe(["a=1"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("")]
    [Case("traceparent: ")]
    [Case("traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [Case($"traceparent: 00-{TraceId}-0000000000000000-01")]
    [Case($"traceparent: ff-{TraceId}-00f067aa0ba902b7-01")]
    [Case($"traceparent: 00-{TraceId}-00f067aa0ba902b7")]
    [Case($"traceparent: 00-{TraceId}-00f067aa0ba902b7-01-x")]
    [Case("traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    [Case("traceparent: 00-g-h-01 {x}\"';")]
    public async Task A_trace_that_is_not_valid_is_replaced(IngressKind ingress, string field)
    {
        var scene = await scenes.GetAsync(ingress);
        var answer = await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{field}{(field.Length > 0 ? "\r\n" : "")}\r\n");
        answer.Status.ShouldBe(200);
        var made = TraceParent().Match(scene.Seen.ShouldHaveSingleItem()["traceparent"].ShouldHaveSingleItem());
        made.Success.ShouldBeTrue();
        made.Groups["trace"].Value.ShouldNotBe(TraceId);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Every_answer_carries_the_security_fields_once(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { OrdersLimit = new RateLimit(1, 1), MaxBodyBytes = 2048 }, "eu-1");
        var ok = await scene.GetAsync("/api/v1/x");
        var missing = await scene.GetAsync("/metrics");
        var ambiguous = await scene.SendRawAsync("GET /api/../x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        var large = await scene.SendAsync("POST", "/api/v1/x", new ByteArrayContent(new byte[4096]));
        await scene.SendAsync("POST", "/api/v1/restaurants/r/orders");
        var limited = await scene.SendAsync("POST", "/api/v1/restaurants/r/orders");
        scene["eu-1"].Script = BackendScripts.ResetBeforeAnswer;
        var broken = await scene.GetAsync("/api/v1/x");
        scene["eu-1"].Script = BackendScripts.Status(404, "X-Frame-Options: ALLOWALL", "Referrer-Policy: unsafe-url", "X-Content-Type-Options: sniff");
        var replaced = await scene.GetAsync("/api/v1/x");
        new[] { ok, missing, ambiguous, large, limited, broken, replaced }.Select(answer => answer.Status).ShouldBe([200, 404, 400, 413, 429, 502, 404]);
        foreach (var answer in new[] { ok, missing, ambiguous, large, limited, broken, replaced })
        {
            foreach (var (name, value) in IngressHeaders.Security)
            {
                answer.Fields[name].ShouldBe([value], $"{name} of {answer.Status}");
            }

            answer.Fields["Content-Security-Policy"].ShouldBe([IngressHeaders.ContentSecurityPolicy]);
            answer.Fields["X-Request-Id"].Count().ShouldBe(1, $"X-Request-Id of {answer.Status}");
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backends_own_content_security_policy_stays(IngressKind ingress)
    {
        const string Own = "default-src 'none'; script-src 'self' 'nonce-x'";
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Status(200, $"Content-Security-Policy: {Own}");
        (await scene.GetAsync("/index.html")).Fields["Content-Security-Policy"].ShouldBe([Own]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_backends_say_of_themselves_is_neither_told_nor_obeyed(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Status(
            200, [.. IngressHeaders.BackendOnly.Select(name => $"{name}: {(name == "X-Accel-Redirect" ? "/health/ready" : name == "X-Accel-Limit-Rate" ? "1" : "yes")}")]);
        foreach (var answer in new[] { await scene.GetAsync("/api/v1/x"), await scene.GetAsync("/metrics") })
        {
            foreach (var name in IngressHeaders.BackendOnly.Except(["Server"]))
            {
                answer[name].ShouldBeNull();
            }

            answer["Server"].ShouldBe(ingress.Has(Difference.ServerField) ? "nginx" : null);
        }

        (await scene.GetAsync("/api/v1/x")).Backend.ShouldBe("eu-1");
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_belongs_to_the_backends_connection_is_not_passed_to_the_client(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Status(200, "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Upgrade: h2c");
        var answer = await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        answer.Status.ShouldBe(200);
        answer["Upgrade"].ShouldBeNull();
        answer["Proxy-Connection"].ShouldBeNull();
        answer["Keep-Alive"].ShouldNotBe("timeout=5");
    }

    [Theory, OnGateway, OnNginx]
    public async Task An_answers_own_fields_are_passed_on(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Status(
            201, "Location: /api/v1/x/1?a=b", "ETag: \"v1\"", "Cache-Control: public, max-age=60", "Vary: Accept-Encoding", "Set-Cookie: a=1; Secure", "Set-Cookie: b=2", "Retry-After: 3");
        var answer = await scene.SendAsync("POST", "/api/v1/x", new StringContent("x"));
        answer.Status.ShouldBe(201);
        answer["Location"].ShouldBe("/api/v1/x/1?a=b");
        answer["ETag"].ShouldBe("\"v1\"");
        answer["Cache-Control"].ShouldBe("public, max-age=60");
        answer["Vary"].ShouldBe("Accept-Encoding");
        answer.Fields["Set-Cookie"].ShouldBe(["a=1; Secure", "b=2"]);
        answer["Retry-After"].ShouldBe("3");
        answer["Content-Type"].ShouldBe("application/json");
    }

    [Theory, OnGateway, OnNginx]
    [Case(204, "")]
    [Case(304, "ETag: \"v1\"")]
    [Case(404, "Content-Type: application/problem+json")]
    [Case(500, "")]
    public async Task A_backends_own_answer_is_passed_on_whatever_its_status(IngressKind ingress, int status, string field)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = status is 204 or 304
            ? async exchange => await exchange.SendAsync($"HTTP/1.1 {status} Scripted\r\nX-Backend: eu-1\r\n{(field.Length > 0 ? field + "\r\n" : "")}\r\n")
            : BackendScripts.Status(status, [.. new[] { field }.Where(one => one.Length > 0)]);
        var answer = await scene.GetAsync("/api/v1/x");
        answer.Status.ShouldBe(status);
        answer.Backend.ShouldBe("eu-1");
        if (status >= 400)
        {
            answer.Text.ShouldContain("eu-1");
        }

        // The connection is good for the next.
        scene["eu-1"].Script = BackendScripts.Normal;
        (await scene.GetAsync("/api/v1/x")).Status.ShouldBe(200);
    }

    [Theory, OnGateway, OnNginx]
    [Case("/api/v1/x?a=%0d%0aX-Evil:%201")]
    [Case("/api/v1/x?a=%0aX-Evil:%201%0a%0aGET%20/")]
    [Case("/api/v1/x?a=%00X-Evil")]
    [Case("/api/v1/%E5%98%8A%E5%98%8DX-Evil:%201")]
    public async Task Encoded_line_ends_stay_encoded(IngressKind ingress, string target)
    {
        var scene = await scenes.GetAsync(ingress);
        var answer = await scene.SendRawAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        answer["X-Evil"].ShouldBeNull();
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen.Malformed.ShouldBeNull();
        seen["X-Evil"].ShouldBeEmpty();
        seen.Target.ShouldBe(target, StringCompareShould.IgnoreCase);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Bytes_beyond_ASCII_in_a_field_are_passed_on_or_refused_and_are_no_failure_of_a_backend(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1 us-1");
        foreach (var value in new[] { "Zo\u00c3\u00ab", "Zo\u00eb", "\u00ff\u00fe" })
        {
            for (var i = 0; i < 10; i++)
            {
                (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nX-Name: {value}\r\nConnection: close\r\n\r\n")).Status.ShouldBeOneOf(200, 400);
            }
        }

        scene.Seen.ShouldAllBe(request => request.Malformed == null);
        (await scene.AnswersAsync(10)).Keys.ShouldBe(["eu-1"]);
    }

    [GeneratedRegex("^00-(?<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")]
    private static partial Regex TraceParent();
}
