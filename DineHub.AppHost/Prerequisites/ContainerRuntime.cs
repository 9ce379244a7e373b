using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Prerequisites;

/// <summary>The program that runs containers: Docker, or Podman.</summary>
/// <param name="Name">Its name, as Aspire's setting <c>DcpPublisher:ContainerRuntime</c> takes it: <c>docker</c> or <c>podman</c>.</param>
/// <param name="Machine">The machine that it is installed on.</param>
internal sealed record ContainerRuntime(string Name, LocalMachine Machine)
{
    private const string Docker = "docker";
    private const string Podman = "podman";
    private static readonly string[] Known = [Docker, Podman];
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CommandDeadline = TimeSpan.FromSeconds(30);

    // Aspire's own probe, and DCP's (src/Shared/ContainerRuntimeDetector.cs). It needs the engine, while 'docker --version' does not.
    private static readonly string[] Question = ["container", "ls", "-n", "1"];

    /// <summary>
    /// Looks for a container engine that answers: the configured one, else Docker's, else Podman's. All are asked at the same time, for up
    /// to 5 s.
    /// </summary>
    /// <param name="configuration">
    /// Aspire's settings: DcpPublisher:ContainerRuntime, ASPIRE_CONTAINER_RUNTIME, DOTNET_ASPIRE_CONTAINER_RUNTIME.
    /// </param>
    /// <param name="machine">Where to look.</param>
    /// <param name="ct">Ends the search.</param>
    public static async Task<ContainerSearch> FindAsync(IConfiguration configuration, LocalMachine machine, CancellationToken ct)
    {
        var candidates = Candidates(configuration);
        var refusals = await Task.WhenAll(candidates.Select(name => AskAsync(name, machine, ct)));
        var found = candidates.Where((_, i) => refusals[i] is null).FirstOrDefault();
        return new ContainerSearch(found is null ? null : new ContainerRuntime(found, machine), [.. refusals.OfType<ContainerRefusal>()]);
    }

    /// <summary>The program's full path.</summary>
    /// <exception cref="FileNotFoundException">It is no longer installed.</exception>
    public string Program => Machine.FindProgram(Name) ?? throw new FileNotFoundException($"There is no '{Name}' on PATH.", Name);

    /// <summary>Runs a command. After 30 s it is killed.</summary>
    /// <param name="ct">Kills it.</param>
    /// <param name="arguments">The command. Nothing secret: other users see it.</param>
    /// <returns>Its output, trimmed.</returns>
    /// <exception cref="InvalidOperationException">It failed, or did not end in time; the message has the engine's.</exception>
    public async Task<string> RunAsync(CancellationToken ct, params IReadOnlyList<string> arguments)
    {
        var result = await Probe.RunAsync(Machine.Command(Name, arguments), CommandDeadline, ct);
        return result.Succeeded ? result.Output : throw Failure(arguments, result);
    }

    /// <summary>The state of a container, such as <c>running</c>, <c>paused</c> or <c>exited</c>; null where there is no such container.</summary>
    /// <param name="container">Its id.</param>
    /// <param name="ct">Ends the question.</param>
    /// <exception cref="InvalidOperationException">The engine did not answer in time.</exception>
    public async Task<string?> StateAsync(string container, CancellationToken ct)
    {
        string[] question = ["container", "inspect", "--format", "{{.State.Status}}", container];
        var answer = await Probe.RunAsync(Machine.Command(Name, question), CommandDeadline, ct);
        return answer switch
        {
            { Succeeded: true } => answer.Output,
            { ExitCode: null } => throw Failure(question, answer),
            _ => null,
        };
    }

    private InvalidOperationException Failure(IReadOnlyList<string> arguments, Probe result)
    {
        var reason = result.ExitCode is null ? $"did not end within {CommandDeadline.TotalSeconds} s" : $"failed with exit code {result.ExitCode}: {result.Error}";
        return new InvalidOperationException($"'{Name} {string.Join(' ', arguments)}' {reason}");
    }

    private static string[] Candidates(IConfiguration configuration)
    {
        var configured = configuration["DcpPublisher:ContainerRuntime"]
            ?? configuration["ASPIRE_CONTAINER_RUNTIME"]
            ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        return string.IsNullOrEmpty(configured) ? Known : [configured];
    }

    private static async Task<ContainerRefusal?> AskAsync(string name, LocalMachine machine, CancellationToken ct)
    {
        if (machine.FindProgram(name) is null)
        {
            return new ContainerRefusal(name, IsInstalled: false, $"{name} is not installed.", Install(name, machine));
        }

        var answer = await Probe.RunAsync(machine.Command(name, Question), Deadline, ct);
        if (answer.Succeeded)
        {
            return null;
        }

        var why = answer.ExitCode is null
            ? $"no answer within {Deadline.TotalSeconds} s"
            : answer.Error.Split('\n')[^1].Trim() is { Length: > 0 } message ? message.TrimEnd('.') : $"exit code {answer.ExitCode}";
        var end = why.EndsWith('?') ? "" : ".";
        return new ContainerRefusal(
            name,
            IsInstalled: true,
            $"{name} is installed, but its engine does not answer: {why}{end}",
            Start(name, machine, answer.Error));
    }

    private static string Install(string name, LocalMachine machine) => (name, machine.IsMacOS) switch
    {
        (Docker, true) => "Install Docker Desktop: https://docs.docker.com/desktop/setup/install/mac-install/.",
        (Docker, false) => "Install it: 'sudo apt-get install docker.io' (Debian, Ubuntu), or https://docs.docker.com/engine/install/.",
        (Podman, true) => "Install it: 'brew install podman', then 'podman machine init'.",
        (Podman, false) => "Install it: 'sudo apt-get install podman' (Debian, Ubuntu), 'sudo dnf install podman' (Fedora).",
        _ => $"Aspire supports '{Docker}' and '{Podman}': set ASPIRE_CONTAINER_RUNTIME to one of them, or unset it.",
    };

    private static string Start(string name, LocalMachine machine, string error) => (name, machine.IsMacOS) switch
    {
        (Docker, true) => "Start Docker Desktop: 'open -a Docker'.",
        (Docker, false) when error.Contains("permission denied", StringComparison.OrdinalIgnoreCase) =>
            "Allow this user to use it: 'sudo usermod -aG docker \"$USER\"', then log in again.",
        (Docker, false) => "Start it: 'sudo systemctl start docker'.",
        (Podman, true) => "Start it: 'podman machine start'.",
        _ => $"See why: '{name} {string.Join(' ', Question)}'.",
    };
}
