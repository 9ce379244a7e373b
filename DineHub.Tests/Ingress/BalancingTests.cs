using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>Which backend gets a request.</summary>
public sealed class BalancingTests
{
    // YARP takes a backend out a moment after the failure, beside the next request.
    private const int Late = 1;
    private static readonly IngressPolicy LongEjection = IngressScene.Policy with { EjectionSeconds = 60 };

    [Theory, OnGateway, OnNginx]
    public async Task Requests_are_spread_over_the_backends_of_the_own_region_alone(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress);
        var answers = await scene.AnswersAsync(100, atOnce: 4);
        answers.Keys.ShouldBe(["eu-1", "eu-2"], ignoreOrder: true);
        answers.Values.Min().ShouldBeGreaterThan(15);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_that_is_busy_gets_nothing_while_another_is_free(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress);
        var free = new TaskCompletionSource();
        scene["eu-1"].Script = BackendScripts.After(free.Task, BackendScripts.Normal);
        var held = new List<Task<Answer>>();
        while (scene["eu-1"].Count == 0)
        {
            var request = scene.GetAsync("/api/v1/x");
            await Eventually.TrueAsync(() => request.IsCompleted || scene["eu-1"].Count > 0, "the request is answered or held");
            held.Add(request);
        }

        (await scene.AnswersAsync(50)).Keys.ShouldBe(["eu-2"]);
        scene["eu-1"].Count.ShouldBe(1);
        free.SetResult();
        (await Task.WhenAll(held)).ShouldAllBe(answer => answer.Status == 200);
    }

    [Theory, OnGateway, OnNginx]
    public async Task Requests_go_to_another_region_only_while_the_own_one_has_no_backend(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection);
        await scene["eu-1"].RefuseAsync();
        (await scene.AnswersAsync(30)).Keys.ShouldBe(["eu-2"]);
        await scene["eu-2"].RefuseAsync();
        (await scene.AnswersAsync(30)).Keys.ShouldBe(["us-1"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("refused")]
    [Case("reset")]
    [Case("502")]
    [Case("504")]
    public async Task A_backend_that_has_failed_as_often_as_the_policy_says_gets_nothing_for_a_while(IngressKind ingress, string failure)
    {
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection, "eu-1 eu-2");
        await FailAsync(scene["eu-1"], failure);

        // Each is retried on the other backend, invisibly to the client.
        (await scene.AnswersAsync(40)).Keys.ShouldBe(["eu-2"]);
        if (failure != "refused")
        {
            scene["eu-1"].Count.ShouldBeInRange(scene.Setup.Policy.EjectAfterFailures, scene.Setup.Policy.EjectAfterFailures + Late);
        }

        // It is out although it would answer.
        await scene["eu-1"].ReturnAsync();
        scene["eu-1"].Script = BackendScripts.Normal;
        scene["eu-1"].Forget();
        (await scene.AnswersAsync(20)).Keys.ShouldBe(["eu-2"]);
    }

    [Theory, OnGateway, OnNginx]
    [Case("refused", 502)]
    [Case("reset", 502)]
    [Case("502", 502)]
    [Case("504", 504)]
    public async Task Failures_of_requests_that_are_not_repeated_count_as_well(IngressKind ingress, string failure, int status)
    {
        const int Requests = 40;
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection, "eu-1 eu-2");
        await FailAsync(scene["eu-1"], failure);
        var answers = new List<int>();
        for (var i = 0; i < Requests; i++)
        {
            answers.Add((await scene.SendAsync("POST", "/api/v1/x", new StringContent("x"))).Status);
        }

        answers.ShouldAllBe(answer => answer == 200 || answer == status);
        var counts = failure is "refused" or "reset" || !ingress.Has(Difference.UncountedStatus);
        var least = counts ? scene.Setup.Policy.EjectAfterFailures : Requests / 2;
        answers.Count(answer => answer == status).ShouldBeInRange(least, counts ? least + Late : least);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_503_takes_no_backend_out(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection with { RetryBudgetPercent = 100 }, "eu-1 eu-2");
        scene["eu-1"].Script = BackendScripts.Status(503);
        (await scene.AnswersAsync(60)).Keys.ShouldBe(["eu-2"]);
        scene["eu-1"].Count.ShouldBeGreaterThan(10);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_that_returns_gets_requests_again(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { EjectionSeconds = 1, HealthIntervalMilliseconds = 200 });
        await scene["eu-1"].RefuseAsync();
        (await scene.AnswersAsync(20)).Keys.ShouldBe(["eu-2"]);
        await scene["eu-1"].ReturnAsync();
        await Eventually.TrueAsync(async () => (await scene.AnswersAsync(10)).GetValueOrDefault("eu-1") >= 3, "the backend that has returned answers its share");
    }

    [Theory, OnGateway, OnNginx]
    public async Task After_the_pause_one_more_failure_takes_a_backend_out_again(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { EjectionSeconds = 4 }, "eu-1 eu-2");
        scene["eu-1"].Script = BackendScripts.Status(502);
        (await scene.AnswersAsync(30)).Keys.ShouldBe(["eu-2"]);
        var first = scene["eu-1"].Count;
        first.ShouldBeInRange(scene.Setup.Policy.EjectAfterFailures, scene.Setup.Policy.EjectAfterFailures + Late);
        await Eventually.TrueAsync(async () => (await scene.AnswersAsync(1)).ContainsKey("eu-2") && scene["eu-1"].Count > first, "the backend is tried again");
        (await scene.AnswersAsync(30)).Keys.ShouldBe(["eu-2"]);

        // Not as many as at first.
        (scene["eu-1"].Count - first).ShouldBeInRange(1, 1 + Late);
    }

    [Theory, OnGateway, OnNginx]
    public async Task When_all_backends_are_out_all_are_tried(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection);
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.ResetBeforeAnswer;
        }

        for (var i = 0; i < 20; i++)
        {
            (await scene.GetAsync("/api/v1/x")).ShouldBeProblem(502);
        }

        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.Normal;
        }

        (await scene.AnswersAsync(20)).ShouldNotBeEmpty();
        var answer = await scene.SendAsync("POST", "/api/v1/x", new StringContent("basket"));
        answer.Status.ShouldBe(200);
    }

    [Theory, OnGateway, OnNginx]
    public async Task When_all_backends_are_out_one_that_lives_is_found(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, LongEjection);
        foreach (var backend in scene.Backends)
        {
            backend.Script = BackendScripts.ResetBeforeAnswer;
        }

        for (var i = 0; i < 20; i++)
        {
            (await scene.GetAsync("/api/v1/x")).ShouldBeProblem(502);
        }

        scene["us-1"].Script = BackendScripts.Normal;
        (await scene.AnswersAsync(20)).Keys.ShouldBe(["us-1"]);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_backend_that_says_it_is_not_ready_gets_no_requests(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { HealthIntervalMilliseconds = 200 }, "eu-1 eu-2");
        scene["eu-1"].IsReady = false;
        if (ingress.Has(Difference.ActiveHealth))
        {
            (await scene.AnswersAsync(40)).Keys.ShouldBe(["eu-1", "eu-2"], ignoreOrder: true);
            return;
        }

        await Eventually.TrueAsync(async () => !(await scene.AnswersAsync(10)).ContainsKey("eu-1"), "the backend gets nothing");
        (await scene.AnswersAsync(40)).Keys.ShouldBe(["eu-2"]);
        scene["eu-1"].IsReady = true;
        await Eventually.TrueAsync(async () => (await scene.AnswersAsync(10)).ContainsKey("eu-1"), "the backend gets requests again");
    }

    private static async Task FailAsync(ScriptedBackend backend, string failure)
    {
        switch (failure)
        {
            case "refused":
                await backend.RefuseAsync();
                break;
            case "reset":
                backend.Script = BackendScripts.ResetBeforeAnswer;
                break;
            default:
                backend.Script = BackendScripts.Status(int.Parse(failure, CultureInfo.InvariantCulture));
                break;
        }
    }
}
