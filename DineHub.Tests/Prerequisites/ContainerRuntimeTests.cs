using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Prerequisites;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Prerequisites;

public sealed class ContainerRuntimeTests : IDisposable
{
    private const string Answers = "[ \"$*\" = 'container ls -n 1' ] || exit 125; echo 'CONTAINER ID'";
    private const string NoEngine =
        "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1";

    private readonly ScriptedMachine scripted = new();

    [Fact]
    public async Task Docker_is_taken_when_both_engines_answer()
    {
        scripted.With("docker", Answers).With("podman", Answers);
        var search = await SearchAsync();
        search.Runtime?.Name.ShouldBe("docker");
        search.Refusals.ShouldBeEmpty();
    }

    [Fact]
    public async Task Podman_is_taken_when_docker_has_no_engine()
    {
        scripted.With("docker", NoEngine).With("podman", Answers);
        (await SearchAsync()).Runtime?.Name.ShouldBe("podman");
    }

    [Fact]
    public async Task Client_that_hangs_is_killed_with_its_children_and_podman_is_taken()
    {
        scripted
            .With("docker", $"echo $$ > '{scripted.Root}/client'; /bin/sleep 600 & echo $! > '{scripted.Root}/child'; wait")
            .With("podman", Answers);
        var search = await SearchAsync();
        search.Runtime?.Name.ShouldBe("podman");
        search.Refusals.ShouldHaveSingleItem().Reason.ShouldEndWith("its engine does not answer: no answer within 5 s.");
        foreach (var file in new[] { "client", "child" })
        {
            var id = int.Parse(await File.ReadAllTextAsync(Path.Combine(scripted.Root, file)), CultureInfo.InvariantCulture);
            await Eventually.TrueAsync(() => HasEnded(id), $"the {file} has ended");
        }
    }

    [Fact]
    public async Task Client_whose_child_holds_its_output_open_counts_by_its_exit_code()
    {
        scripted.With("docker", Answers + "; /bin/sleep 20 &");
        (await SearchAsync()).Runtime?.Name.ShouldBe("docker");
    }

    [Fact]
    public async Task Refusals_name_the_reason_and_the_command_when_no_engine_answers()
    {
        scripted.With("docker", NoEngine);
        var search = await SearchAsync();
        search.Runtime.ShouldBeNull();
        search.Refusals.Select(refusal => refusal.IsInstalled).ShouldBe([true, false]);
        search.Explanation.Split(Environment.NewLine).ShouldBe(
        [
            "docker is installed, but its engine does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
                + "Is the docker daemon running? Start it: 'sudo systemctl start docker'.",
            "podman is not installed. Install it: 'sudo apt-get install podman' (Debian, Ubuntu), 'sudo dnf install podman' (Fedora).",
        ]);
    }

    [Theory]
    [InlineData(false, "permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker")]
    [InlineData(true, "Cannot connect to the Docker daemon", "open -a Docker")]
    public async Task Docker_remedy_fits_the_error_and_the_system(bool isMacOS, string error, string remedy)
    {
        scripted.With("docker", $"echo '{error}' >&2; exit 1");
        var search = await SearchAsync(scripted.Machine with { IsMacOS = isMacOS });
        search.Refusals[0].Remedy.ShouldContain(remedy);
    }

    [Theory]
    [InlineData("DcpPublisher:ContainerRuntime")]
    [InlineData("ASPIRE_CONTAINER_RUNTIME")]
    [InlineData("DOTNET_ASPIRE_CONTAINER_RUNTIME")]
    public async Task Only_the_configured_runtime_is_asked(string key)
    {
        scripted.With("docker", Answers).With("podman", Answers);
        (await SearchAsync(configuration: (key, "podman"))).Runtime?.Name.ShouldBe("podman");
        scripted.Calls.ShouldBe(["podman container ls -n 1"]);
    }

    [Fact]
    public async Task Configured_runtime_that_is_unknown_is_refused_with_its_setting()
    {
        var search = await SearchAsync(configuration: ("ASPIRE_CONTAINER_RUNTIME", "no-such-runtime"));
        search.Explanation.ShouldContain("no-such-runtime is not installed");
        search.Explanation.ShouldContain("ASPIRE_CONTAINER_RUNTIME");
    }

    public void Dispose() => scripted.Dispose();

    private async Task<ContainerSearch> SearchAsync(LocalMachine? machine = null, params (string Key, string Value)[] configuration)
    {
        var settings = new ConfigurationManager();
        foreach (var (key, value) in configuration)
        {
            settings[key] = value;
        }

        return await ContainerRuntime.FindAsync(settings, machine ?? scripted.Machine, CancellationToken.None)
            .OrFailAsync("the search has ended");
    }

    // A zombie has ended, too: only its parent has not asked for its exit code.
    private static bool HasEnded(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] == 'Z';
        }
        catch (Exception e) when (e is ArgumentException or IOException)
        {
            return true;
        }
    }
}
