namespace DineHub.Tests.Ingress;

/// <summary>
/// Requests whose end two servers may see in two places, each followed by what would then be another request. Either nothing of it reaches a backend
/// and the connection ends, or it arrives as one well-formed request. What follows is never a request of its own.
/// </summary>
public sealed class SmugglingTests(SharedScenes scenes) : IClassFixture<SharedScenes>
{
    private const string Hidden = "GET /api/v1/hidden HTTP/1.1\r\nHost: localhost\r\nX-Hidden: ";
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    [Theory, OnGateway, OnNginx]
    [Case("both lengths, the chunks shorter", "Content-Length: 100\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
    [Case("both lengths, the chunks longer", "Content-Length: 5\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    [Case("both lengths, the coding first", "Transfer-Encoding: chunked\r\nContent-Length: 4", "2\r\nab\r\n0\r\n\r\n")]
    [Case("both lengths, one of them zero", "Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
    [Case("two lengths that differ", "Content-Length: 5\r\nContent-Length: 6", "hello!")]
    [Case("two lengths, the first zero", "Content-Length: 0\r\nContent-Length: 60", "")]
    [Case("a list of lengths that differ", "Content-Length: 5, 6", "hello!")]
    [Case("a negative length", "Content-Length: -5", "hello")]
    [Case("a length in hex", "Content-Length: 0x5", "hello")]
    [Case("a length with a space within", "Content-Length: 5 0", "hello")]
    [Case("an empty length", "Content-Length:", "hello")]
    [Case("a length beyond 64 bits", "Content-Length: 18446744073709551621", "hello")]
    [Case("a length that is no number", "Content-Length: five", "hello")]
    [Case("an unknown coding", "Transfer-Encoding: xchunked", "0\r\n\r\n")]
    [Case("a coding after chunked", "Transfer-Encoding: chunked, identity", "0\r\n\r\n")]
    [Case("a coding before chunked", "Transfer-Encoding: identity, chunked", "0\r\n\r\n")]
    [Case("compression before chunked", "Transfer-Encoding: gzip, chunked", "0\r\n\r\n")]
    [Case("compression alone", "Transfer-Encoding: gzip", "hello")]
    [Case("identity", "Transfer-Encoding: identity", "hello")]
    [Case("chunked twice in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
    [Case("chunked, then another in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n")]
    [Case("a quoted coding", "Transfer-Encoding: \"chunked\"", "0\r\n\r\n")]
    [Case("a coding after a vertical tab", "Transfer-Encoding: \u000bchunked", "0\r\n\r\n")]
    [Case("a coding with a NUL", "Transfer-Encoding: chunked\0", "0\r\n\r\n")]
    [Case("an empty coding", "Transfer-Encoding:", "0\r\n\r\n")]
    [Case("a space before the colon of the coding", "Transfer-Encoding : chunked", "0\r\n\r\n")]
    [Case("a space before the colon of the length", "Content-Length : 5", "hello")]
    [Case("a tab before the colon of the length", "Content-Length\t: 5", "hello")]
    [Case("a folded coding", "X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n")]
    [Case("a folded value", "Transfer-Encoding:\r\n chunked", "0\r\n\r\n")]
    [Case("a length hidden behind a bare CR", "X: y\rContent-Length: 5", "hello")]
    [Case("a coding hidden behind a bare CR", "X: y\rTransfer-Encoding: chunked", "0\r\n\r\n")]
    [Case("a NUL in a field", "X: a\0b", "")]
    [Case("a NUL in a name", "X\0Y: a", "")]
    [Case("a line without a colon", "Content-Length 5", "hello")]
    [Case("a line without a name", ": 5", "hello")]
    [Case("a space in a name", "X Y: 5", "")]
    [Case("two hosts", "Host: evil.example", "")]
    [Case("chunk size in C's hex", "Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n")]
    [Case("negative chunk size", "Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size with a plus", "Transfer-Encoding: chunked", "+5\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size beyond 64 bits", "Transfer-Encoding: chunked", "10000000000000005\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size beyond 32 bits", "Transfer-Encoding: chunked", "100000005\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size of no digits", "Transfer-Encoding: chunked", "\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size that is no hex", "Transfer-Encoding: chunked", "g\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk size after a space", "Transfer-Encoding: chunked", " 5\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk longer than its size", "Transfer-Encoding: chunked", "3\r\nhello\r\n0\r\n\r\n")]
    [Case("chunk without its line end", "Transfer-Encoding: chunked", "5\r\nhello0\r\n\r\n")]
    [Case("chunk with another line end", "Transfer-Encoding: chunked", "5\r\nhelloXX0\r\n\r\n")]
    [Case("chunk size with a NUL", "Transfer-Encoding: chunked", "5\0\r\nhello\r\n0\r\n\r\n")]
    public async Task What_cannot_be_read_in_one_way_alone_is_refused(IngressKind ingress, string name, string framing, string body)
    {
        name.ShouldNotBeEmpty();
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n{body}{Hidden}\r\n\r\n");
        await RefusedAsync(scene, connection);
    }

    [Theory, OnGateway, OnNginx]
    [Case("two request lines' versions", "POST /api/v1/x HTTP/1.1 HTTP/1.1")]
    [Case("a tab for a space", "POST\t/api/v1/x HTTP/1.1")]
    [Case("a version that there is not", "POST /api/v1/x HTTP/1.9x")]
    [Case("another protocol", "POST /api/v1/x ICY/1.1")]
    [Case("a bare CR", "POST /api/v1/x\rHTTP/1.1")]
    [Case("a NUL in the target", "POST /api/v1/x\0 HTTP/1.1")]
    [Case("a control character in the target", "POST /api/v1/x\u0001 HTTP/1.1")]
    [Case("a method with a colon", "PO:ST /api/v1/x HTTP/1.1")]
    [Case("HTTP/2's preface", "PRI * HTTP/2.0")]
    public async Task A_first_line_that_is_none_is_refused(IngressKind ingress, string name, string line)
    {
        name.ShouldNotBeEmpty();
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"{line}\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{Hidden}\r\n\r\n");
        await RefusedAsync(scene, connection);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_request_without_a_host_is_refused(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"GET /api/v1/x HTTP/1.1\r\n\r\n{Hidden}\r\n\r\n");
        await RefusedAsync(scene, connection);
    }

    // What servers read in one way only, or refuse: the hidden request is part of the body.
    [Theory, OnGateway, OnNginx]
    [Case("a space too many in the first line", "POST ", "Content-Length: {0}", "{1}")]
    [Case("two lengths that are the same", "POST", "Content-Length: {0}\r\nContent-Length: {0}", "{1}")]
    [Case("a list of lengths that are the same", "POST", "Content-Length: {0}, {0}", "{1}")]
    [Case("a length with zeros", "POST", "Content-Length: 000{0}", "{1}")]
    [Case("a length with a sign", "POST", "Content-Length: +{0}", "{1}")]
    [Case("a bracket in a name", "POST", "Content-Length(x): 0\r\nContent-Length: {0}", "{1}")]
    [Case("a length on a GET", "GET", "Content-Length: {0}", "{1}")]
    [Case("chunks on a GET", "GET", "Transfer-Encoding: chunked", "{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("chunked in capitals", "POST", "Transfer-Encoding: CHUNKED", "{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("chunked before a tab", "POST", "Transfer-Encoding: chunked\t", "{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("chunked after a tab", "POST", "Transfer-Encoding:\tchunked", "{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("an empty element before chunked", "POST", "Transfer-Encoding: , chunked", "{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("chunk extensions", "POST", "Transfer-Encoding: chunked", "{2:x};a=b;c=\"d\"\r\n{1}\r\n0;e\r\n\r\n")]
    [Case("a chunk extension with a bare LF", "POST", "Transfer-Encoding: chunked", "{2:x};a\nb\r\n{1}\r\n0\r\n\r\n")]
    [Case("a chunk extension with a line end in quotes", "POST", "Transfer-Encoding: chunked", "{2:x};a=\"\r\n{1}\r\n0\r\n\r\n")]
    [Case("a space after the chunk size", "POST", "Transfer-Encoding: chunked", "{2:x} \r\n{1}\r\n0\r\n\r\n")]
    [Case("a zero before the chunk size", "POST", "Transfer-Encoding: chunked", "0{2:x}\r\n{1}\r\n0\r\n\r\n")]
    [Case("a chunk size that ends with a bare LF", "POST", "Transfer-Encoding: chunked", "{2:x}\n{1}\r\n0\r\n\r\n")]
    [Case("a chunk that ends with a bare LF", "POST", "Transfer-Encoding: chunked", "{2:x}\r\n{1}\n0\r\n\r\n")]
    [Case("trailers", "POST", "Transfer-Encoding: chunked", "{2:x}\r\n{1}\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nContent-Length: 3\r\n\r\n")]
    [Case("a trailer that looks like a request", "POST", "Transfer-Encoding: chunked", "0\r\nX: GET /api/v1/hidden HTTP/1.1\r\n\r\n")]
    [Case("lines that end with a bare LF", "POST", "Content-Length: {0}\nX: y", "{1}")]
    public async Task What_may_be_read_or_refused_is_one_request_or_none(IngressKind ingress, string name, string method, string framing, string body)
    {
        name.ShouldNotBeEmpty();
        var hidden = $"{Hidden}\r\n\r\n";
        string Fill(string text) => text.Replace("{0}", $"{hidden.Length}", StringComparison.Ordinal)
            .Replace("{1}", hidden, StringComparison.Ordinal)
            .Replace("{2:x}", $"{hidden.Length:x}", StringComparison.Ordinal);
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"{method} /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{Fill(framing)}\r\n\r\n{Fill(body)}");
        await OneOrNoneAsync(scene, connection);
    }

    [Theory, OnGateway, OnNginx]
    [Case("chunks in HTTP/1.0", "POST /api/v1/x HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n")]
    [Case("chunks and a length in HTTP/1.0", "POST /api/v1/x HTTP/1.0\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n")]
    [Case("no length in HTTP/1.0", "POST /api/v1/x HTTP/1.0\r\nHost: localhost\r\n\r\n")]
    [Case("no host in HTTP/1.0", "GET /api/v1/x HTTP/1.0\r\n\r\n")]
    [Case("HTTP/0.9", "GET /api/v1/x\r\n\r\n")]
    public async Task An_older_version_hides_no_request(IngressKind ingress, string name, string text)
    {
        name.ShouldNotBeEmpty();
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync($"{text}{Hidden}\r\n\r\n");
        await OneOrNoneAsync(scene, connection);
    }

    [Theory, OnGateway, OnNginx]
    public async Task An_expectation_that_is_not_met_hides_no_request(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        var hidden = $"{Hidden}\r\n\r\n";
        await connection.SendAsync($"POST /metrics HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {hidden.Length}\r\n\r\n");
        (await connection.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBeInRange(400, 499);
        await connection.TrySendAsync(hidden);
        await connection.StaysSilentAsync(Moment);
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    public async Task An_unread_body_is_not_parsed_as_a_request(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        var hidden = $"{Hidden}\r\n\r\n";
        foreach (var target in new[] { "/metrics", "/api/../x" })
        {
            await using var connection = await scene.ConnectAsync();
            await connection.SendAsync($"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {hidden.Length}\r\n\r\n{hidden}");
            (await connection.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBeInRange(400, 499);
            await connection.StaysSilentAsync(Moment);
        }

        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    public async Task Requests_that_follow_each_other_at_once_are_answered_in_their_order(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync("POST /api/v1/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
            + "POST /api/v1/2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            + "GET /api/v1/3 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        foreach (var bytes in new[] { 5, 3, 0 })
        {
            (await connection.ReadAnswerAsync()).ShouldNotBeNull().Text.ShouldContain($"\"bytes\":{bytes}}}");
        }

        scene.Seen.Select(request => request.Path).ShouldBe(["/api/v1/1", "/api/v1/2", "/api/v1/3"]);
    }

    // Answers that an ingress might take the end of for the beginning of the next client's answer.
    [Theory, OnGateway, OnNginx]
    [Case("more than its length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil")]
    [Case("a body of a 204", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil")]
    [Case("both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil")]
    [Case("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil")]
    public async Task An_answer_with_more_behind_it_spoils_no_other(IngressKind ingress, string name, string answer)
    {
        name.ShouldNotBeEmpty();
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        scene["eu-1"].Script = BackendScripts.InTurn(
            async exchange => await exchange.SendAsync(answer),
            BackendScripts.Normal);
        for (var i = 0; i < 6; i++)
        {
            try
            {
                var got = await scene.GetAsync("/api/v1/x");
                got["X-Evil"].ShouldBeNull();
                got.Text.ShouldNotBe("evil");
            }
            catch (HttpRequestException)
            {
                // The connection was aborted: no client received another's answer.
            }
        }
    }

    private static async Task RefusedAsync(IngressScene scene, RawConnection connection)
    {
        var text = await connection.ReadToEndAsync();
        scene.Seen.ShouldBeEmpty();
        if (text.Length > 0)
        {
            text.ShouldMatch("^HTTP/1.1 (4..|501|505) ");
            text.Split("HTTP/1.").Length.ShouldBe(2, text);
        }
    }

    private static async Task OneOrNoneAsync(IngressScene scene, RawConnection connection)
    {
        var answer = await connection.ReadAnswerAsync(mayBeOld: true);

        // HTTP/0.9 has no status; a problem tells its own.
        if (answer?.Status == 200 && !(answer.Version.Major == 0 && answer.Text.Contains("\"status\":400,", StringComparison.Ordinal)))
        {
            // The next would follow at once.
            await connection.StaysSilentAsync(Moment);
            var seen = scene.Seen.ShouldHaveSingleItem();
            seen.Malformed.ShouldBeNull();
            seen.Complete.ShouldBeTrue();
            seen.Path.ShouldBe("/api/v1/x");
            return;
        }

        if (answer is not null)
        {
            (answer.Version.Major == 0 || answer.Status is (>= 400 and < 500) or 501 or 505).ShouldBeTrue($"{answer.Status}");
            await connection.ReadToEndAsync();
        }

        scene.Seen.ShouldBeEmpty();
    }
}
