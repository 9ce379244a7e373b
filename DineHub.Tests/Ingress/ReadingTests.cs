using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>Requests and answers whose reading servers differ in: both kinds of ingress read them alike, or the document tells how not.</summary>
public sealed class ReadingTests(SharedScenes scenes) : IClassFixture<SharedScenes>
{
    [Theory, OnGateway, OnNginx]
    [Case("localhost", "localhost")]
    [Case("LOCALhost:8443", "localhost")]
    [Case("a-b.c_d.dinehub.example:1", "a-b.c_d.dinehub.example")]
    [Case("127.0.0.1", "127.0.0.1")]
    [Case("[::1]", "[::1]")]
    [Case("[::1]:65535", "[::1]")]
    public async Task A_host_is_passed_on_in_small_letters_and_as_it_came(IngressKind ingress, string host, string told)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: {host}\r\n\r\n")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen["Host"].ShouldBe([told]);
        seen["X-Forwarded-Host"].ShouldBe([host]);
    }

    // A host that the gateway's HTTP client cannot send is no backend's failure: no client can eject backends with it.
    [Theory, OnGateway, OnNginx]
    public async Task What_is_no_host_is_refused_and_blames_no_backend(IngressKind ingress)
    {
        string[] hosts =
        [
            "", ".", "localhost.", "a..b", ".a", "-a", "a-", new string('a', 64), string.Join('.', Enumerable.Repeat(new string('a', 60), 5)), "localhost:", "localhost:x",
            "localhost:65536", "localhost:443:443", "user@localhost", "localhost/x", "a b", "a,b", "a;b", "a\"b", "a%20b", "caf\u00e9", "[]", "[x]", "[::1", "[fe80::1%25eth0]",
        ];
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1 us-1");
        foreach (var host in hosts)
        {
            (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).Status.ShouldBe(400, host);
            await using var plain = await scene.ConnectPlainAsync();
            await plain.SendAsync($"GET /api/v1/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            (await plain.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBe(400, host);
        }

        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.0\r\n\r\n")).Status.ShouldBe(400);
        scene.Seen.ShouldBeEmpty();
        (await scene.AnswersAsync(10)).Keys.ShouldBe(["eu-1"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("GET /api/v1/%zz HTTP/1.1")]
    [Case("GET /api/v1/% HTTP/1.1")]
    [Case("GET /api/v1/%4 HTTP/1.1")]
    [Case("GET /api/v1/%u0041 HTTP/1.1")]
    [Case("GET /api/v1/%c0%ae%c0%ae/x HTTP/1.1")]
    [Case("GET /api/v1/%e0%80%af HTTP/1.1")]
    [Case("GET /api/v1/%F0%80%80%AF HTTP/1.1")]
    [Case("GET /api/v1/%ff HTTP/1.1")]
    [Case("GET /api/v1/caf\u00e9 HTTP/1.1")]
    [Case("GET /api/v1/x?caf\u00e9 HTTP/1.1")]
    [Case("GET /api/v1/x#y HTTP/1.1")]
    [Case("GET /api/v1/x?y#z HTTP/1.1")]
    [Case("GET https://other.example/api/v1/x HTTP/1.1")]
    [Case("GET https://user@localhost/api/v1/x HTTP/1.1")]
    [Case("get /api/v1/x HTTP/1.1")]
    [Case("Post /api/v1/x HTTP/1.1")]
    [Case("GE!T /api/v1/x HTTP/1.1")]
    [Case("GET /api/v1/x HTTP/1.10")]
    [Case("GET /api/v1/x HTTP/3")]
    public async Task A_first_line_that_has_no_one_meaning_is_400(IngressKind ingress, string line)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync($"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n")).Status.ShouldBe(400);
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("PROPFIND")]
    [Case("M-SEARCH")]
    [Case("QUERY")]
    public async Task Unknown_methods_are_passed_to_the_backend(IngressKind ingress, string method)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync($"{method} /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")).Status.ShouldBe(200);
        scene.Seen.ShouldHaveSingleItem().Method.ShouldBe(method);
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_may_stand_once_stands_once(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        foreach (var name in IngressHeaders.Once)
        {
            (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{name}: a\r\n{name}: b\r\n\r\n")).Status.ShouldBe(400, name);
        }

        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    public async Task Fields_with_other_names_than_letters_digits_and_dashes_are_dropped(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nX.Forwarded.For: dropped\r\nX!#$%&'*+^`|~: dropped\r\nX_Y: dropped\r\nX-1: kept\r\n\r\n")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen.Head.ShouldNotContain("dropped");
        seen["X-1"].ShouldBe(["kept"]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Many_short_fields_are_taken_as_a_few_long_ones_are(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var fields = string.Concat(Enumerable.Range(0, 600).Select(i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: 1\r\n")));
        (await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).Status.ShouldBe(200);
        scene.Seen.ShouldHaveSingleItem()["X-599"].ShouldBe(["1"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("100-continue")]
    [Case("else")]
    public async Task Expectations_are_met_here_and_not_passed_on(IngressKind ingress, string expectation)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nExpect: {expectation}\r\nContent-Length: 5\r\n\r\nhello")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem();
        seen["Expect"].ShouldBeEmpty();
        seen.Body.Length.ShouldBe(5);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_body_over_the_limit_is_413_also_where_there_is_nothing(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")).ShouldBeProblem(413);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_head_of_an_answer_that_is_too_long_is_a_failure(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        foreach (var (kibibytes, status) in new[] { (15, 200), (17, 502) })
        {
            scene["eu-1"].Script = BackendScripts.Status(200, $"X-Long: {new string('x', kibibytes * 1024)}");
            (await scene.SendAsync("POST", "/api/v1/x")).Status.ShouldBe(status);
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task Trailers_of_an_answer_are_dropped(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n");
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: close\r\n\r\n");
        (await connection.ReadToEndAsync()).ShouldSatisfyAllConditions(
            text => text.ShouldEndWith("ok\r\n0\r\n\r\n"),
            text => text.ShouldNotContain("X-T", Case.Insensitive));
    }

    [Theory, OnGateway, OnNginx]
    [Case("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nX: y\r\n z\r\n\r\n", 400)]
    [Case("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400)]
    [Case("GET /api/v1/x HTTP/1.1\r\n\r\n", 400)]
    public async Task What_is_refused_while_its_head_is_read_is_a_problem(IngressKind ingress, string text, int status)
    {
        var scene = await scenes.GetAsync(ingress);
        var answer = await scene.SendRawAsync(text);
        if (!ingress.Has(Difference.HeadRefusals))
        {
            (answer.Status, answer.Text, answer["X-Request-Id"]).ShouldBe((status, "", null));
            return;
        }

        answer.ShouldBeProblem(status);
        answer["X-Content-Type-Options"].ShouldBe("nosniff");
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_field_that_the_client_names_as_belonging_to_its_connection_is_dropped(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nConnection: X-Named, X-Other\r\nX-Named: 1\r\n\r\n")).Status.ShouldBe(200);
        scene.Seen.ShouldHaveSingleItem()["X-Named"].Count.ShouldBe(ingress.Has(Difference.NominatedFields) ? 1 : 0);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_name_of_a_field_beyond_ASCII_is_refused(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var answer = await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nX\u00e9: odd\r\n\r\n");
        answer.Status.ShouldBe(ingress.Has(Difference.OddNames) ? 200 : 400);
        scene.Seen.ShouldAllBe(request => !request.Head.Contains("odd", StringComparison.Ordinal));
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_frames_chunks_counts_against_the_limit(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { MaxBodyBytes = 2048 }, "eu-1");
        var answer = await scene.SendRawAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n{new string('x', 0x800)}\r\n0\r\n\r\n");
        answer.Status.ShouldBe(ingress.Has(Difference.ChunkFraming) ? 200 : 413);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_target_is_normalized(IngressKind ingress)
    {
        const string Target = "/api/v1/%7Ea%3bb{x}?%7E={1}";
        var scene = await scenes.GetAsync(ingress);
        (await scene.SendRawAsync($"GET {Target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).Status.ShouldBe(200);
        var seen = scene.Seen.ShouldHaveSingleItem().Target;
        (seen == Target).ShouldBe(ingress.Has(Difference.TargetSpelling));
        Uri.UnescapeDataString(seen).ShouldBe(Uri.UnescapeDataString(Target));
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_spelling_that_is_safe_in_either_reading_is_taken(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var answer = await scene.SendRawAsync("POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\nConnection: close\r\n\r\nhello");
        answer.Status.ShouldBe(ingress.Has(Difference.Leniency) ? 400 : 200);
    }

    [Theory, OnGateway, OnNginx]
    public async Task An_answer_without_a_status_is_a_failure(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        scene["eu-1"].Script = BackendScripts.Raw("hello world\r\n\r\n");
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync("POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        var text = await connection.ReadToEndAsync();
        text.ShouldStartWith(ingress.Has(Difference.MalformedAnswers) ? "hello world" : "HTTP/1.1 502 ");
    }
}
