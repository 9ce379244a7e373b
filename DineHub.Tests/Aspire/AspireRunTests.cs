#if USE_ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
#endif

namespace DineHub.Tests.Aspire;

/// <summary>The application, started: containers of Citus, projects, gateways.</summary>
public sealed class AspireRunTests
{
#if USE_ASPIRE
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    [AspireFact(needsContainers: true)]
    public async Task An_order_is_placed_through_a_gateway()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.DineHub_AppHost>(
            ["--set", "Local:GatewayPort=0", "--set", "Local:GatewayTlsPort=0"], deadline.Token);

        // What an earlier run has kept has other passwords.
        foreach (var resource in builder.Resources)
        {
            foreach (var volume in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(volume);
            }
        }

        await using var app = await builder.BuildAsync(deadline.Token);
        await app.StartAsync(deadline.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("gateway-eu", deadline.Token);
        await app.ResourceNotifications.WaitForResourceAsync("db-seed", KnownResourceStates.TerminalStates, deadline.Token);
        (await app.GetConnectionStringAsync("dinehub", deadline.Token)).ShouldNotBeNull().ShouldContain("dinehub_api");
        var commands = app.Services.GetRequiredService<ResourceCommandService>();
        var placed = await commands.ExecuteCommandAsync(builder.Resources.Single(resource => resource.Name == "gateway-eu"), "sample-order", deadline.Token);
        placed.Success.ShouldBeTrue(placed.Message);
    }
#else
    [AspireFact(needsContainers: true)]
    public void An_order_is_placed_through_a_gateway() => Assert.Fail("It cannot run without Aspire.");
#endif
}
