using System.Net;
using System.Text;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>How much and how often a client may ask.</summary>
public sealed class LimitTests
{
    private const string SignIn = "/api/v1/accounts/sign-in";
    private const string Register = "/api/v1/accounts";
    private const string Orders = "/api/v1/restaurants/r1/orders";

    // One request a minute: none comes back while a case runs.
    private static readonly IngressPolicy Strict = IngressScene.Policy with
    {
        ClientLimit = new RateLimit(1, 30),
        SignInLimit = new RateLimit(1, 3),
        OrdersLimit = new RateLimit(1, 5),
    };

    [Theory, OnGateway, OnNginx]
    public async Task A_client_over_its_rate_gets_429_with_RetryAfter(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        for (var i = 0; i < Strict.ClientLimit.Burst; i++)
        {
            (await scene.GetAsync("/api/v1/x")).Status.ShouldBe(200);
        }

        for (var i = 0; i < 3; i++)
        {
            ShouldBeOver(await scene.GetAsync("/api/v1/x"), Strict.ClientLimit, "client");
        }

        scene.Seen.Count.ShouldBe(Strict.ClientLimit.Burst);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_client_that_waits_may_ask_again(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { ClientLimit = new RateLimit(60, 2) }, "eu-1");
        await Eventually.TrueAsync(async () => (await scene.GetAsync("/api/v1/x")).Status == 429, "the client has asked too often");
        await Eventually.TrueAsync(async () => (await scene.GetAsync("/api/v1/x")).Status == 200, "there is a request left again");
    }

    [Theory, OnGateway, OnNginx]
    public async Task What_is_not_there_counts_as_well(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        for (var i = 0; i < Strict.ClientLimit.Burst; i++)
        {
            (await scene.GetAsync("/metrics")).Status.ShouldBe(404);
        }

        (await scene.GetAsync("/metrics")).Status.ShouldBe(429);
        (await scene.GetAsync("/api/v1/x")).Status.ShouldBe(429);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Signing_in_and_registering_are_counted_together_and_more_strictly(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        (await PostAsync(scene, SignIn)).Status.ShouldBe(200);
        (await PostAsync(scene, Register)).Status.ShouldBe(200);
        (await PostAsync(scene, SignIn)).Status.ShouldBe(200);
        ShouldBeOver(await PostAsync(scene, SignIn), Strict.SignInLimit, "sign-in");
        ShouldBeOver(await PostAsync(scene, Register), Strict.SignInLimit, "sign-in");

        // Neither other methods nor other addresses.
        (await scene.GetAsync(SignIn)).Status.ShouldBe(200);
        (await scene.SendAsync("DELETE", Register)).Status.ShouldBe(200);
        (await PostAsync(scene, "/api/v1/accounts/me")).Status.ShouldBe(200);
        (await PostAsync(scene, Orders)).Status.ShouldBe(200);
        scene.Seen.Count.ShouldBe(7);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Placing_orders_is_counted_over_all_restaurants_and_more_strictly(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        for (var i = 0; i < Strict.OrdersLimit.Burst; i++)
        {
            (await PostAsync(scene, $"/api/v1/restaurants/r{i}/orders")).Status.ShouldBe(200);
        }

        ShouldBeOver(await PostAsync(scene, Orders), Strict.OrdersLimit, "orders");
        (await scene.GetAsync(Orders)).Status.ShouldBe(200);
        (await PostAsync(scene, "/api/v1/restaurants/r1/orders/o1/accept")).Status.ShouldBe(200);
        (await PostAsync(scene, SignIn)).Status.ShouldBe(200);
    }

    [Theory, OnGateway, OnNginx]
    [Case("POST", "/API/V1/Accounts/SIGN-IN", "")]
    [Case("POST", "/api/v1/accounts/sign-in/", "")]
    [Case("POST", "/api/v1/accounts/sign-in?x=1", "")]
    [Case("POST", "/api/v1/accounts/sign%2Din", "")]
    [Case("POST", "/%61pi/v1/accounts/%73ign-in", "")]
    [Case("POST", "https://localhost/api/v1/accounts/sign-in", "")]
    [Case("POST", "/api/v1/Accounts/", "")]
    [Case("POST", "/api/v1/accounts/sign-in", "X-Forwarded-For: 203.0.113.7\r\n")]
    [Case("POST", "/api/v1/accounts/sign-in", "X-Real-IP: 203.0.113.7\r\n")]
    [Case("POST", "/api/v1/accounts/sign-in", "Forwarded: for=203.0.113.7\r\n")]
    [Case("POST", "/api/v1/accounts/sign-in", "X-HTTP-Method-Override: GET\r\n")]
    [Case("POST", "/api/v1/x", "X-Original-URL: /api/v1/accounts/sign-in\r\n")]
    [Case("post", "/api/v1/accounts/sign-in", "")]
    [Case("GET", "/api/v1/accounts/sign-in", "X-HTTP-Method-Override: POST\r\n")]
    public async Task No_other_spelling_gets_around_a_stricter_limit(IngressKind ingress, string method, string target, string fields)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        for (var i = 0; i < Strict.SignInLimit.Burst; i++)
        {
            (await PostAsync(scene, SignIn)).Status.ShouldBe(200);
        }

        scene["eu-1"].Forget();
        var answer = await scene.SendRawAsync($"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n");
        if (answer.Status == 200)
        {
            // Passed on as what it is, and without what might make it a sign-in.
            method.ShouldNotBe("post");
            var seen = scene.Seen.ShouldHaveSingleItem();
            (seen.Method == "POST" && seen.Path.Contains("account", StringComparison.OrdinalIgnoreCase)).ShouldBeFalse(seen.Head);
            seen["X-HTTP-Method-Override"].ShouldBeEmpty();
            seen["X-Original-URL"].ShouldBeEmpty();
        }
        else
        {
            answer.Status.ShouldBeOneOf(method == "post" ? [400, 405, 429] : [429]);
            scene.Seen.ShouldBeEmpty();
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task One_clients_requests_are_not_another_clients(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Strict, "eu-1");
        await Eventually.TrueAsync(async () => (await scene.GetAsync("/api/v1/x")).Status == 429, "the client has asked too often");
        using var other = scene.NewClient(IPAddress.Parse("127.0.0.2"));
        for (var i = 0; i < Strict.SignInLimit.Burst; i++)
        {
            (await IngressScene.SendAsync(other, "POST", SignIn, new StringContent("{}"))).Status.ShouldBe(200);
        }

        (await scene.GetAsync("/api/v1/x")).Status.ShouldBe(429);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_declared_length_over_the_limit_is_413_before_the_body_is_sent(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { MaxBodyBytes = 2048 }, "eu-1");
        foreach (var length in new[] { "2049", "1000000000", "9223372036854775807" })
        {
            (await scene.SendRawAsync($"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")).ShouldBeProblem(413);
        }

        (await scene.SendAsync("POST", "/api/v1/x", new ByteArrayContent(new byte[4096]))).ShouldBeProblem(413);
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_body_in_chunks_over_the_limit_is_413_and_reaches_no_backend(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { MaxBodyBytes = 2048 }, "eu-1");
        await using var connection = await scene.ConnectAsync();
        await connection.SendAsync("POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        await connection.SendAsync($"800\r\n{new string('x', 0x800)}\r\n1\r\nx\r\n0\r\n\r\n");
        (await connection.ReadAnswerAsync()).ShouldNotBeNull().ShouldBeProblem(413);
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case(false)]
    [Case(true)]
    public async Task The_longest_body_there_may_be_arrives_whole(IngressKind ingress, bool chunked)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");

        // Kestrel counts what frames the chunks as well.
        var body = new byte[scene.Setup.Policy.MaxBodyBytes - (chunked ? 8 * 1024 : 0)];
        Random.Shared.NextBytes(body);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/x") { Content = new ByteArrayContent(body) };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await scene.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        scene.Seen.ShouldHaveSingleItem().Body.ShouldBe(body);
    }

    [Theory, OnGateway, OnNginx]
    [Case(7000, 200)]
    [Case(9000, 414)]
    [Case(60_000, 414)]
    public async Task A_first_line_over_the_limit_is_414(IngressKind ingress, int length, int status)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var answer = await scene.SendRawAsync($"GET /api/v1/x?{new string('x', length)} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        answer.Status.ShouldBe(status);
        scene.Seen.Count.ShouldBe(status == 200 ? 1 : 0);
    }

    [Theory, OnGateway, OnNginx]
    [Case(1, 7000, 200)]
    [Case(1, 20_000, 200)]
    [Case(1, 40_000, 431)]
    [Case(25, 1000, 200)]
    [Case(40, 1000, 431)]
    [Case(6, 7000, 431)]
    [Case(90, 20, 200)]
    public async Task Header_fields_over_the_limit_are_431(IngressKind ingress, int count, int length, int status)
    {
        await using var scene = await IngressScene.StartAsync(ingress, backends: "eu-1");
        var fields = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            fields.Append("X-Field-").Append(i).Append(": ").Append('x', length).Append("\r\n");
        }

        var answer = await scene.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        answer.Status.ShouldBe(status);
        scene.Seen.Count.ShouldBe(status == 200 ? 1 : 0);
    }

    private static Task<Answer> PostAsync(IngressScene scene, string path) => scene.SendAsync("POST", path, new StringContent("{}"));

    private static void ShouldBeOver(Answer answer, RateLimit limit, string name)
    {
        answer.ShouldBeProblem(429);
        answer["Retry-After"].ShouldBe(limit.RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture));
        answer["RateLimit-Policy"].ShouldBe(limit.PolicyField(name));
        answer["RateLimit"].ShouldBe(limit.ExhaustedField(name));
    }
}
