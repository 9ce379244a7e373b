namespace DineHub.Tests.Ingress;

/// <summary>A whole region is lost and returns while requests flow; who has answered is counted.</summary>
public sealed class RegionAffinityTests
{
    private const int Requests = 1000;
    private const int AtOnce = 8;

    [Theory, OnGateway, OnNginx]
    public async Task Every_request_stays_in_its_region_moves_when_it_is_lost_and_comes_back(IngressKind ingress)
    {
        var policy = IngressScene.Policy with { EjectionSeconds = 1, HealthIntervalMilliseconds = 200 };
        await using var scene = await IngressScene.StartAsync(ingress, policy, "eu-1 eu-2 us-1 us-2");
        string[] own = ["eu-1", "eu-2"];
        string[] other = ["us-1", "us-2"];

        var before = await scene.AnswersAsync(Requests, AtOnce);
        before.Keys.ShouldBe(own, ignoreOrder: true);

        // The loss itself falls into a stream of requests, none of which fails.
        var meanwhile = scene.AnswersAsync(Requests, AtOnce);
        await Eventually.TrueAsync(() => scene["eu-1"].Count + scene["eu-2"].Count > Requests + 100, "the stream flows");
        await scene["eu-1"].RefuseAsync();
        await scene["eu-2"].RefuseAsync();
        await meanwhile;

        var during = await scene.AnswersAsync(Requests, AtOnce);
        during.Keys.ShouldBe(other, ignoreOrder: true);
        during.Values.Sum().ShouldBe(Requests);

        await scene["eu-1"].ReturnAsync();
        await scene["eu-2"].ReturnAsync();
        await Eventually.TrueAsync(
            async () => (await scene.AnswersAsync(40, AtOnce)) is var some && own.All(name => some.GetValueOrDefault(name) > 5) && !other.Any(some.ContainsKey),
            "the region is back");
        var after = await scene.AnswersAsync(Requests, AtOnce);
        after.Keys.ShouldBe(own, ignoreOrder: true);
        after.Values.Sum().ShouldBe(Requests);
    }
}
