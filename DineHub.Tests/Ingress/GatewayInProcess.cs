using DineHub.Gateway;
using Microsoft.AspNetCore.Builder;

namespace DineHub.Tests.Ingress;

/// <summary>The gateway within the tests' own process, which starts in no time.</summary>
internal sealed class GatewayInProcess(WebApplication app) : IIngressUnderTest
{
    private Task? stopping;

    public bool HasEnded => stopping?.IsCompleted is true;

    public static async Task<GatewayInProcess> StartAsync(IngressSetup setup)
    {
        var app = GatewayApplication.Build(setup.ToArguments());
        GatewayApplication.ConfigurationErrors(app.Configuration).ShouldBeEmpty();
        await app.StartAsync();
        return new GatewayInProcess(app);
    }

    public void BeginStop() => stopping = app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token).OrFailAsync("the gateway has stopped");
        await app.DisposeAsync().OrFailAsync("the gateway has been taken down");
    }
}
