using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Tests.Prerequisites;

namespace DineHub.Tests.Containers;

/// <summary>What the container engine is told to do to a container, by its state.</summary>
public sealed class ContainerControlTests : IDisposable
{
    private readonly ScriptedMachine scripted = new();

    [Fact]
    public async Task A_running_container_gets_the_signal()
    {
        var control = Control("running");
        await control.StopAsync("c1", CancellationToken.None);
        await control.KillAsync("c1", CancellationToken.None);
        Changes().ShouldBe(["podman kill --signal SIGINT c1", "podman kill --signal SIGKILL c1"]);
    }

    [Fact]
    public async Task A_paused_container_goes_on_first()
    {
        await Control("paused").StopAsync("c1", CancellationToken.None);
        Changes().ShouldBe(["podman unpause c1", "podman kill --signal SIGINT c1"]);
    }

    [Fact]
    public async Task A_container_that_is_not_paused_need_not_be_resumed()
    {
        await Control("running").ResumeAsync("c1", CancellationToken.None);
        Changes().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("exited")]
    [InlineData("")]
    public async Task A_container_that_has_ended_or_is_removed_is_left(string state)
    {
        var control = Control(state, "exit 125");
        await control.KillAsync("c1", CancellationToken.None);
        await control.WaitForEndAsync("c1", CancellationToken.None);
        Changes().ShouldBe(["podman kill --signal SIGKILL c1", "podman wait c1"]);
    }

    [Fact]
    public async Task An_engine_that_refuses_is_quoted()
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => Control("running", "echo 'no cgroups' >&2; exit 125").SuspendAsync("c1", CancellationToken.None));
        refused.Message.ShouldBe("'podman pause c1' failed with exit code 125: no cgroups");
    }

    public void Dispose() => scripted.Dispose();

    private string[] Changes() => [.. scripted.Calls.Where(call => !call.StartsWith("podman container inspect", StringComparison.Ordinal))];

    private ContainerControl Control(string state, string others = ":")
    {
        scripted.With("podman", $"""
            case "$*" in
                'container inspect --format '*' c1') [ -n '{state}' ] || exit 125; echo '{state}' ;;
                *) {others} ;;
            esac
            """);
        return new ContainerControl(new ContainerRuntime("podman", scripted.Machine));
    }
}
