using System.Globalization;

namespace DineHub.Tests.Ingress;

/// <summary>Maintenance: a flag file turns every request into a 503.</summary>
public sealed class MaintenanceTests
{
    [Theory, OnGateway, OnNginx]
    public async Task While_the_file_is_there_every_request_is_503(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress);
        (await scene.AnswersAsync(5)).ShouldNotBeEmpty();
        await File.WriteAllTextAsync(scene.Setup.MaintenanceFile, "");
        await Eventually.TrueAsync(async () => (await scene.GetAsync("/api/v1/x")).Status == 503, "maintenance has begun");
        var before = scene.Seen.Count;
        foreach (var (method, path) in new[] { ("GET", "/api/v1/x"), ("POST", "/api/v1/accounts/sign-in"), ("GET", "/"), ("GET", "/metrics"), ("DELETE", "/api/v1/x"), ("GET", "/openapi/v1.json") })
        {
            var answer = await scene.SendAsync(method, path);
            answer.ShouldBeProblem(503);
            answer["Retry-After"].ShouldBe(scene.Setup.Policy.MaintenanceRetryAfterSeconds.ToString(CultureInfo.InvariantCulture));
            answer["X-Content-Type-Options"].ShouldBe("nosniff");
        }

        scene.Seen.Count.ShouldBe(before);
        File.Delete(scene.Setup.MaintenanceFile);
        await Eventually.TrueAsync(async () => (await scene.GetAsync("/api/v1/x")).Status == 200, "maintenance has ended");
    }
}
