using DineHub.AppHost.Prerequisites;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Prerequisites;

public sealed class DatabaseEngineChoiceTests : IDisposable
{
    private static readonly ContainerSearch NoEngine = new(null, []);
    private static readonly ContainerSearch Engine = new(new ContainerRuntime("podman", LocalMachine.Current), []);

    private readonly ScriptedMachine scripted = new();

    public static TheoryData<string, string, string, string> Rules => new()
    {
        // preference, installed PostgreSQL, container engine: asked and answers, asked and does not, not asked → engine
        { "Auto", "fdw", "not asked", "stock processes" },
        { "Auto", "fdw", "answers", "stock processes" },
        { "Auto", "fdw, citus", "answers", "Citus processes" },
        { "Auto", "citus", "not asked", "Citus processes" },
        { "Auto", "bare", "not asked", "none" },
        { "Auto", "bare", "answers", "containers" },
        { "Auto", "bare", "silent", "none" },
        { "Auto", "old", "answers", "containers" },
        { "Auto", "old", "silent", "none" },
        { "Auto", "none", "not asked", "none" },
        { "Auto", "none", "answers", "containers" },
        { "Auto", "none", "silent", "none" },
        { "Citus", "fdw, citus", "not asked", "Citus processes" },
        { "Citus", "citus", "answers", "Citus processes" },
        { "Citus", "fdw", "answers", "containers" },
        { "Citus", "fdw", "silent", "none" },
        { "Citus", "old", "answers", "containers" },
        { "Citus", "none", "answers", "containers" },
        { "Citus", "none", "silent", "none" },
        { "Postgres", "fdw", "not asked", "stock processes" },
        { "Postgres", "fdw, citus", "not asked", "stock processes" },
        { "Postgres", "citus", "answers", "none" },
        { "Postgres", "bare", "answers", "none" },
        { "Postgres", "old", "answers", "none" },
        { "Postgres", "none", "answers", "none" },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Engine_follows_from_preference_and_what_is_installed(string preference, string installed, string container, string expected)
    {
        var installation = installed switch
        {
            "none" => null,
            "old" => new PostgresInstallation("/pg", 13, HasCitus: true, HasForeignDataWrapper: true),
            _ => new PostgresInstallation("/pg", 15, installed.Split(", ").Contains("citus"), installed.Split(", ").Contains("fdw")),
        };
        var containers = container switch { "answers" => Engine, "silent" => NoEngine, _ => null };
        DatabaseEngineChoice.Decide(Enum.Parse<EnginePreference>(preference), installation, containers).ShouldBe(expected switch
        {
            "stock processes" => new DatabaseEngine.Processes(installation!, UsesCitus: false),
            "Citus processes" => new DatabaseEngine.Processes(installation!, UsesCitus: true),
            "containers" => new DatabaseEngine.Containers(Engine.Runtime!),
            _ => null,
        });
    }

    [Fact]
    public async Task Container_engine_is_not_asked_when_PostgreSQL_is_installed()
    {
        scripted.WithPostgres(15, "postgres_fdw").With("docker", "exit 0");
        (await MakeAsync(EnginePreference.Auto)).ShouldBeOfType<DatabaseEngine.Processes>().UsesCitus.ShouldBeFalse();
        scripted.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Container_engine_is_taken_when_PostgreSQL_is_missing()
    {
        scripted.With("docker", "exit 0");
        (await MakeAsync(EnginePreference.Auto)).ShouldBeOfType<DatabaseEngine.Containers>().Runtime.Name.ShouldBe("docker");
    }

    [Fact]
    public async Task Container_engine_is_not_asked_for_stock_PostgreSQL()
    {
        scripted.With("docker", "exit 0");
        var refused = await Should.ThrowAsync<PrerequisiteException>(MakeAsync(EnginePreference.Postgres));
        refused.Problem.ShouldBe("PostgreSQL is not installed.");
        scripted.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Citus_without_extension_and_engine_is_refused_with_both_remedies()
    {
        scripted.WithPostgres(15, "postgres_fdw").WithSudo().WithAptGet();
        scripted.With("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
        var refused = await Should.ThrowAsync<PrerequisiteException>(MakeAsync(EnginePreference.Citus, yes: true));
        refused.Problem.ShouldContain("has no Citus extension, and no container engine answers");
        refused.Remedy.ShouldContain("https://docs.citusdata.com");
        refused.Remedy.ShouldContain("sudo systemctl start docker");
        scripted.Calls.ShouldNotContain(call => call.StartsWith("sudo", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PostgreSQL_that_is_installed_on_the_way_is_used()
    {
        scripted.WithSudo().WithAptGet();
        var engine = (await MakeAsync(EnginePreference.Auto, yes: true)).ShouldBeOfType<DatabaseEngine.Processes>();
        engine.Installation.Version.ShouldBe(15);
        engine.UsesCitus.ShouldBeFalse();
    }

    public void Dispose() => scripted.Dispose();

    private Task<DatabaseEngine> MakeAsync(EnginePreference preference, bool yes = false) =>
        new DatabaseEngineChoice(
            new ConfigurationManager(), scripted.Machine, new Terminal(TextReader.Null, TextWriter.Null, IsInteractive: false))
            .MakeAsync(preference, yes, CancellationToken.None);
}
