using System.Collections.Concurrent;
using System.Security.Cryptography;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>Which requests are sent to a second backend when the first fails, and how.</summary>
public sealed class RetryTests
{
    private const string Close = "Connection: close";
    private const string Key = "Idempotency-Key: 4f3c1c5e";

    // No backend is taken out, so that every request begins with the one that fails.
    private static readonly IngressPolicy Patient = IngressScene.Policy with
    {
        EjectAfterFailures = 100,
        RetryBudgetPercent = 100,
    };

    public enum Failure
    {
        Refused,
        ConnectTimeout,
        Reset,
        ResetBeforeBody,
        Closed,
        Hangs,
        Garbage,
        Status502,
        Status503,
        Status504,
    }

    [Theory, OnGateway, OnNginx]
    [Case(Failure.Refused, 502)]
    [Case(Failure.ConnectTimeout, 504)]
    [Case(Failure.Reset, 502)]
    [Case(Failure.ResetBeforeBody, 502)]
    [Case(Failure.Closed, 502)]
    [Case(Failure.Hangs, 504)]
    [Case(Failure.Status502, 502)]
    [Case(Failure.Status503, 503)]
    [Case(Failure.Status504, 504)]
    public async Task Only_what_may_be_repeated_is_sent_to_another_backend(IngressKind ingress, Failure failure, int status)
    {
        await using var scene = await IngressScene.StartAsync(ingress, PolicyOf(failure), "eu-1 us-1");
        await FailAsync(scene["eu-1"], failure);
        (string Name, string Method, string? Key, bool HasBody)[] requests =
        [
            ("get", "GET", null, false),
            ("head", "HEAD", null, false),
            ("options", "OPTIONS", null, false),
            ("put", "PUT", null, true),
            ("delete", "DELETE", null, false),
            ("keyed-post", "POST", Key, true),
            ("keyed-patch", "PATCH", Key, true),
            ("post", "POST", null, true),
            ("empty-post", "POST", null, false),
            ("patch", "PATCH", null, true),
            ("unkeyed-post", "POST", "Idempotency-Key:", true),
            ("misspelt-post", "POST", "Idempotency_Key: 4f3c1c5e", true),
        ];
        var mistakes = new ConcurrentBag<string>();
        await Task.WhenAll(requests.Select(async request =>
        {
            var answer = await scene.SendAsync(
                request.Method, $"/api/v1/{request.Name}", request.HasBody ? new StringContent("basket") : null, request.Key is null ? [] : [request.Key]);
            var mayBeRepeated = request.Method is not ("POST" or "PATCH") || request.Key == Key;
            var tries = (First: scene["eu-1"].CountOf($"/api/v1/{request.Name}"), Second: scene["us-1"].CountOf($"/api/v1/{request.Name}"));
            var expected = (First: failure is Failure.Refused or Failure.ConnectTimeout ? 0 : 1, Second: mayBeRepeated ? 1 : 0);
            if (failure == Failure.Status503 && mayBeRepeated && ingress.Has(Difference.DeliberateUnavailable))
            {
                (tries.First + tries.Second).ShouldBe(2, request.Name);
            }
            else if (answer.Status != (mayBeRepeated ? 200 : status) || tries != expected)
            {
                mistakes.Add($"{request.Name}: {answer.Status} after {tries.First} and {tries.Second} tries");
            }
            else if (!mayBeRepeated && failure is Failure.Status502 or Failure.Status503 or Failure.Status504)
            {
                answer.Backend.ShouldBe("eu-1", request.Name);
            }
            else if (!mayBeRepeated)
            {
                answer.ShouldBeProblem(status);
            }
        }));
        mistakes.Order().ShouldBeEmpty();
        scene.Seen.ShouldAllBe(request => request.Malformed == null);
    }

    [Theory, OnGateway, OnNginx]
    [Case(Failure.Refused, 502)]
    [Case(Failure.Reset, 502)]
    [Case(Failure.Hangs, 504)]
    [Case(Failure.Status502, 502)]
    [Case(Failure.Status504, 504)]
    public async Task Retries_go_to_different_backends_up_to_the_limit(IngressKind ingress, Failure failure, int status)
    {
        // No backend answers, so a short timeout makes no backend too slow.
        await using var scene = await IngressScene.StartAsync(ingress, PolicyOf(failure) with { ResponseTimeoutSeconds = 2 }, "eu-1 eu-2 eu-3 us-1 us-2");
        foreach (var backend in scene.Backends)
        {
            await FailAsync(backend, failure);
        }

        var answer = await scene.GetAsync("/api/v1/x");
        if (failure is Failure.Status502 or Failure.Status504)
        {
            // What remains is the last backend's own answer.
            answer.Status.ShouldBe(status);
            if (ingress.Has(Difference.OwnGatewayErrors))
            {
                answer.ShouldBeProblem(status);
            }
            else
            {
                answer.Text.ShouldContain(answer.Backend.ShouldNotBeNull());
            }
        }
        else
        {
            answer.ShouldBeProblem(status);
        }

        if (failure != Failure.Refused)
        {
            scene.Seen.Count.ShouldBe(1 + Patient.MaxFurtherTries);
            scene.Backends.ShouldAllBe(backend => backend.Count <= 1);
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task Without_further_tries_in_the_policy_there_is_one(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient with { MaxFurtherTries = 0 });
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.InTurn(BackendScripts.ResetBeforeAnswer, BackendScripts.Status(502), BackendScripts.Status(503));
        }

        for (var i = 0; i < 9; i++)
        {
            (await scene.GetAsync("/api/v1/x")).Status.ShouldBeOneOf(502, 503);
        }

        scene.Seen.Count.ShouldBe(9);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_503_that_says_when_to_come_back_reaches_the_client_as_it_is(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient);
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.Status(503, "Retry-After: 7", "X-Reason: worker-2");
        }

        var answer = await scene.GetAsync("/api/v1/x");
        answer.Status.ShouldBe(503);
        answer["Retry-After"].ShouldBe("7");
        answer["X-Reason"].ShouldBe("worker-2");
        answer.Text.ShouldContain(answer.Backend.ShouldNotBeNull());
        scene.Seen.Count.ShouldBe(ingress.Has(Difference.DeliberateUnavailable) ? 2 : 1);

        var post = await scene.SendAsync("POST", "/api/v1/x", new StringContent("basket"));
        post.Status.ShouldBe(503);
        post["Retry-After"].ShouldBe("7");
        scene.Seen.Count(request => request.Method == "POST").ShouldBe(1);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Retries_503_without_RetryAfter_then_returns_the_backends_response(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 eu-2 eu-3 us-1");
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.Status(503);
        }

        var answer = await scene.GetAsync("/api/v1/x");
        answer.Status.ShouldBe(503);
        answer.Text.ShouldContain(answer.Backend.ShouldNotBeNull());
        scene.Seen.Count.ShouldBe(ingress.Has(Difference.DeliberateUnavailable) ? 2 : 3);
        scene.Backends.ShouldAllBe(backend => backend.Count <= 1);
    }

    [Theory, OnGateway, OnNginx]
    public async Task However_failures_are_mixed_there_are_no_more_tries(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 eu-2 eu-3 eu-4 us-1 us-2");
        BackendScript[] failures =
        [
            BackendScripts.Status(503, Close), BackendScripts.ResetBeforeAnswer, BackendScripts.Status(502, Close), BackendScripts.CloseBeforeAnswer, BackendScripts.Status(504, Close),
        ];
        for (var i = 0; i < 25; i++)
        {
            // Whichever order the backends are asked in, they fail in the order of the list, from another start each time.
            var order = BackendScripts.InTurn([.. Enumerable.Range(i, failures.Length).Select(n => failures[n * (1 + (i / 5)) % failures.Length])]);
            foreach (var backend in scene.Backends)
            {
                backend.Script = order;
            }

            (await scene.GetAsync($"/api/v1/{i}")).Status.ShouldBeOneOf(502, 503, 504);
            scene.Seen.Count(request => request.Path == $"/api/v1/{i}").ShouldBeInRange(2, 1 + Patient.MaxFurtherTries);
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_connection_that_was_kept_open_and_is_not_any_more_costs_a_try(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 eu-2 eu-3 eu-4");
        await Eventually.TrueAsync(async () => (await scene.AnswersAsync(20)).Count == 4, "connections to all of them are kept");
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.ResetBeforeAnswer;
            backend.Forget();
        }

        (await scene.GetAsync("/api/v1/x")).ShouldBeProblem(502);
        scene.Seen.Count.ShouldBe(ingress.Has(Difference.KeptConnection) ? 4 : 1 + Patient.MaxFurtherTries);

    }

    [Theory, OnGateway, OnNginx]
    [Case(Failure.Reset)]
    [Case(Failure.Closed)]
    public async Task What_may_not_be_repeated_is_not_on_a_connection_that_was_kept_open_either(IngressKind ingress, Failure failure)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient);
        await Eventually.TrueAsync(async () => (await scene.AnswersAsync(20)).Count == 2, "connections to both of the region are kept");
        foreach (var backend in scene.Backends)
        {
            await FailAsync(backend, failure);
            backend.Forget();
        }

        (await scene.SendAsync("POST", "/api/v1/x")).ShouldBeProblem(502);
        (await scene.SendAsync("POST", "/api/v1/x", new StringContent("basket"))).ShouldBeProblem(502);
        scene.Seen.Count.ShouldBe(2);
    }

    [Theory, OnGateway, OnNginx]
    [Case(Failure.Reset, false)]
    [Case(Failure.Reset, true)]
    [Case(Failure.ResetBeforeBody, false)]
    [Case(Failure.ResetBeforeBody, true)]
    [Case(Failure.Status504, false)]
    [Case(Failure.Status502, true)]
    public async Task The_body_is_sent_whole_again(IngressKind ingress, Failure failure, bool chunked)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 us-1");
        await FailAsync(scene["eu-1"], failure);
        var body = RandomNumberGenerator.GetBytes(300_000);
        (await PostAsync(scene, body, chunked)).ShouldBe(200);
        var seen = scene["us-1"].Requests.ShouldHaveSingleItem();
        seen.Complete.ShouldBeTrue();
        seen.Body.ShouldBe(body);
        seen["Idempotency-Key"].ShouldBe(["k"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case(false)]
    [Case(true)]
    public async Task The_body_is_sent_whole_again_after_a_503(IngressKind ingress, bool chunked)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 eu-2");
        var script = BackendScripts.InTurn(BackendScripts.Status(503), BackendScripts.Normal);
        (scene["eu-1"].Script, scene["eu-2"].Script) = (script, script);
        var body = RandomNumberGenerator.GetBytes(300_000);
        (await PostAsync(scene, body, chunked)).ShouldBe(200);
        scene.Seen.Count.ShouldBe(2);
        scene.Seen.ShouldAllBe(request => request.Complete && request.Body.SequenceEqual(body));
    }

    [Theory, OnGateway, OnNginx]
    [Case(true)]
    [Case(false)]
    public async Task An_answer_that_breaks_off_stays_broken_and_is_not_asked_for_again(IngressKind ingress, bool lengthIsDeclared)
    {
        const int Sent = 500_000;
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 us-1");
        var begun = new TaskCompletionSource();
        scene["eu-1"].Script = BackendScripts.ResetMidAnswer(lengthIsDeclared ? 2 * Sent : null, Sent, begun.Task);
        using var response = await scene.Client.GetAsync("/api/v1/x", HttpCompletionOption.ResponseHeadersRead);
        ((int)response.StatusCode).ShouldBe(200);
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[Sent * 3];
        var read = await body.ReadAsync(buffer).AsTask().OrFailAsync("the answer's body begins");
        begun.SetResult();

        // HttpIOException, as the body has no end: clients cannot take it for complete.
        await Should.ThrowAsync<IOException>(async () =>
        {
            while (true)
            {
                var part = await body.ReadAsync(buffer.AsMemory(read)).AsTask().OrFailAsync("the answer breaks off");
                if (part == 0)
                {
                    return;
                }

                read += part;
            }
        });
        buffer.Take(read).ShouldAllBe(letter => letter == (byte)'x');
        read.ShouldBeLessThanOrEqualTo(Sent);
        scene["us-1"].Count.ShouldBe(0);
        scene["eu-1"].Count.ShouldBe(1);
    }

    [Theory, OnGateway, OnNginx]
    public async Task An_answer_that_breaks_off_behind_its_head_is_asked_for_again(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 us-1");
        scene["eu-1"].Script = BackendScripts.ResetMidAnswer(declared: 10, sent: 0, Task.CompletedTask);
        if (ingress.Has(Difference.HeadAlone))
        {
            await Should.ThrowAsync<HttpRequestException>(() => scene.GetAsync("/api/v1/x"));
            scene["us-1"].Count.ShouldBe(0);
            return;
        }

        (await scene.GetAsync("/api/v1/x")).Backend.ShouldBe("us-1");
        (await scene.SendAsync("POST", "/api/v1/x")).ShouldBeProblem(502);
        scene["us-1"].Count.ShouldBe(1);
    }

    [Theory, OnGateway, OnNginx]
    [Case("GET", 200)]
    [Case("POST", 502)]
    public async Task An_answer_that_is_no_HTTP_is_a_failure(IngressKind ingress, string method, int status)
    {
        await using var scene = await IngressScene.StartAsync(ingress, Patient, "eu-1 us-1");
        await FailAsync(scene["eu-1"], Failure.Garbage);
        (await scene.SendAsync(method, "/api/v1/x")).Status.ShouldBe(status);
        scene["us-1"].Count.ShouldBe(status == 200 ? 1 : 0);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Further_tries_are_a_share_of_the_requests(IngressKind ingress)
    {
        const int Requests = 400;
        await using var scene = await IngressScene.StartAsync(ingress, Patient with { RetryBudgetPercent = 10 });
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.ResetBeforeAnswer;
        }

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (_, _) => (await scene.GetAsync("/api/v1/x")).Status.ShouldBe(502));
        var further = scene.Seen.Count - Requests;

        // A reserve of 100 lets short failures pass.
        further.ShouldBeLessThanOrEqualTo(ingress.Has(Difference.RetryBudget) ? Requests * Patient.MaxFurtherTries : 100 + (Requests / 10));
        further.ShouldBeGreaterThan(0);
    }

    // Only what must run into a time-out has short ones: machines are slow now and then.
    private static IngressPolicy PolicyOf(Failure failure) => failure switch
    {
        Failure.Hangs => Patient with { ResponseTimeoutSeconds = 3 },
        Failure.ConnectTimeout => Patient with { ConnectTimeoutMilliseconds = 500 },
        _ => Patient,
    };

    private static async Task<int> PostAsync(IngressScene scene, byte[] body, bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/x") { Content = new ByteArrayContent(body) };
        request.Headers.Add("Idempotency-Key", "k");
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await scene.Client.SendAsync(request);
        return (int)response.StatusCode;
    }

    private static async Task FailAsync(ScriptedBackend backend, Failure failure)
    {
        switch (failure)
        {
            case Failure.Refused:
                await backend.RefuseAsync();
                break;
            case Failure.ConnectTimeout:
                await backend.DropConnectionsAsync();
                break;
            default:
                backend.Script = failure switch
                {
                    Failure.Reset => BackendScripts.ResetBeforeAnswer,
                    Failure.ResetBeforeBody => BackendScripts.ResetBeforeBody,
                    Failure.Closed => BackendScripts.CloseBeforeAnswer,
                    Failure.Hangs => BackendScripts.Hang,
                    Failure.Garbage => BackendScripts.Raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Na\0me: x\r\n\r\nhello"),
                    Failure.Status502 => BackendScripts.Status(502),
                    Failure.Status503 => BackendScripts.Status(503),
                    _ => BackendScripts.Status(504),
                };
                break;
        }
    }
}
