namespace DineHub.Tests.Ingress;

/// <summary>What an ingress passes on, and what it keeps.</summary>
public sealed class RoutingTests
{
    [Theory, OnGateway, OnNginx]
    [Case("/")]
    [Case("/index.html")]
    [Case("/INDEX.HTML")]
    [Case("/favicon.ico")]
    [Case("/robots.txt")]
    [Case("/assets/app.1f2e.js")]
    [Case("/assets/fonts/a.woff2")]
    [Case("/openapi/v1.json")]
    [Case("/openapi/v1.json/")]
    [Case("/api/v1/restaurants")]
    [Case("/API/V1/Restaurants/")]
    [Case("/%61pi/v1/restaurants")]
    [Case("/api/v1/restaurants/a%20b/menu")]
    [Case("/api/v1/restaurants/Zo%C3%AB")]
    [Case("/api/v1/images/a%25b")]
    [Case("/api/v1/..hidden/...")]
    [Case("/api/v1/x?a=1&a=%2F..%2F&b=//x/../y&c=%0d%0a&d")]
    [Case("/api/v1/x?")]
    public async Task What_is_public_is_passed_on_as_it_came(IngressKind ingress, string target)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var answer = await scene.SendRawAsync(Request(target));
        answer.Status.ShouldBe(200, answer.Text);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen.Malformed.ShouldBeNull();
        Uri.UnescapeDataString(seen.Path).ShouldBe(Uri.UnescapeDataString(target.Split('?')[0]));

        // A lone question mark asks for nothing, and may go.
        seen.Target[seen.Path.Length..].TrimEnd('?').ShouldBe(target[target.Split('?')[0].Length..].TrimEnd('?'));
    }

    [Theory, OnGateway, OnNginx]
    [Case("/metrics")]
    [Case("/METRICS/")]
    [Case("/%6detrics")]
    [Case("/health/ready")]
    [Case("/HEALTH/live")]
    [Case("/health")]
    [Case("/internal/x")]
    [Case("/Internal/")]
    [Case("/openapi")]
    [Case("/openapi/internal.json")]
    [Case("/openapi/v1.yaml")]
    [Case("/openapi/v1.json/x")]
    [Case("/apix")]
    [Case("/xapi/v1/restaurants")]
    [Case("/index.htm")]
    [Case("/index.html5")]
    [Case("/indexxhtml")]
    [Case("/robots.txt.bak")]
    [Case("/assetsx/a.js")]
    [Case("/nginx_status")]
    [Case("/stub_status")]
    [Case("/.well-known/acme-challenge/x")]
    [Case("/.env")]
    public async Task What_is_not_public_is_not_there(IngressKind ingress, string target)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        (await scene.SendRawAsync(Request(target))).ShouldBeProblem(404);
        (await scene.SendRawAsync(Request(target, $"127.0.0.1:{scene.Setup.ManagementPort}"))).ShouldBeProblem(404);
        (await scene.SendRawAsync(Request(target, method: "POST", fields: "Content-Length: 0\r\n"))).ShouldBeProblem(404);
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("//")]
    [Case("//metrics")]
    [Case("//api/v1/x")]
    [Case("/api//v1/x")]
    [Case("/api/v1/x//")]
    [Case("/./api/v1/x")]
    [Case("/api/./x")]
    [Case("/api/.")]
    [Case("/api/../metrics")]
    [Case("/api/v1/../../health/ready")]
    [Case("/api/..")]
    [Case("/..?x")]
    [Case("/api/%2e%2e/metrics")]
    [Case("/api/.%2E/metrics")]
    [Case("/api/%2e")]
    [Case("/api%2fv1%2fx")]
    [Case("/api/..%2Fmetrics")]
    [Case("/api%5cx")]
    [Case(@"/api/..\metrics")]
    [Case(@"\metrics")]
    [Case("/api/x%00")]
    [Case("/api/x%00.json")]
    [Case("/api/x%0d%0aX-Evil:1")]
    [Case("/api/x%09y")]
    [Case("/api/x%1F")]
    [Case("/api/x%7f")]
    public async Task A_path_that_two_servers_may_read_in_two_ways_is_400(IngressKind ingress, string target)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var answer = await scene.SendRawAsync(Request(target));
        answer.Status.ShouldBe(400);
        answer.Backend.ShouldBeNull();
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_target_with_its_host_is_read_as_one_without(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var answer = await scene.SendRawAsync(Request($"https://localhost:{scene.Setup.HttpsPort}/api/v1/x?y=1", $"localhost:{scene.Setup.HttpsPort}"));
        answer.Status.ShouldBe(200, answer.Text);
        scene.Seen.ShouldHaveSingleItem().Target.ShouldBe("/api/v1/x?y=1");
        scene.Seen[0]["Host"].ShouldBe(["localhost"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("https://localhost/metrics")]
    [Case("https://localhost/api/../metrics")]
    [Case("https://localhost//metrics")]
    [Case("https://localhost/api/%2e%2e/metrics")]
    [Case("metrics")]
    [Case("*")]
    [Case("localhost:80")]
    public async Task No_other_form_of_the_target_gets_further(IngressKind ingress, string target)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        foreach (var method in new[] { "GET", "OPTIONS" })
        {
            (await scene.SendRawAsync(Request(target, "localhost", method))).Status.ShouldBeInRange(400, 499);
        }

        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("TRACE", "/api/v1/x")]
    [Case("TRACE", "/metrics")]
    [Case("CONNECT", "backend:443")]
    [Case("CONNECT", "/api/v1/x")]
    public async Task Trace_and_connect_are_refused(IngressKind ingress, string method, string target)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var answer = await scene.SendRawAsync(Request(target, "backend:443", method));

        // What does not fit the method (RFC 9112, section 3.2.3) has no meaning that could be refused.
        answer.Status.ShouldBeOneOf(method == "CONNECT" ? [400, 405] : [405]);
        scene.Seen.ShouldBeEmpty();
    }

    private static string Request(string target, string host = "localhost", string method = "GET", string fields = "") =>
        $"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n";
}
