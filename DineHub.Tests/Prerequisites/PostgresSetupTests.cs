using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Prerequisites;

public sealed class PostgresSetupTests : IDisposable
{
    private const string Command = "sudo apt-get update && sudo apt-get install -y postgresql";
    private const string Question = $"PostgreSQL is not installed. Install it with `{Command}`? [Y/n] ";

    private readonly ScriptedMachine scripted = new();
    private readonly StringWriter output = new();

    [Theory]
    [InlineData("y\n")]
    [InlineData("Yes\n")]
    [InlineData("\n")]
    public async Task Answer_yes_or_nothing_installs_PostgreSQL(string answer)
    {
        scripted.WithSudo().WithAptGet();
        var found = await InstallAsync(answer);
        found.Version.ShouldBe(15);
        found.HasForeignDataWrapper.ShouldBeTrue();
        output.ToString().ShouldBe(Question);
        scripted.Calls.ShouldBe(
            ["sudo apt-get update", "apt-get update", "sudo apt-get install -y postgresql", "apt-get install -y postgresql"]);
    }

    [Theory]
    [InlineData("n\n")]
    [InlineData("no\n")]
    [InlineData("")]
    public async Task Answer_no_or_end_of_input_installs_nothing_and_names_the_command(string answer)
    {
        scripted.WithSudo().WithAptGet();
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync(answer));
        refused.Problem.ShouldBe("PostgreSQL is not installed.");
        refused.Remedy.ShouldContain($"'{Command}'");
        scripted.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Other_answer_is_asked_for_again()
    {
        scripted.WithSudo().WithAptGet();
        await InstallAsync("maybe\ny\n");
        output.ToString().ShouldBe($"{Question}Please answer 'y' or 'n'.{Environment.NewLine}{Question}");
    }

    [Fact]
    public async Task Nothing_is_asked_without_a_terminal()
    {
        scripted.WithSudo().WithAptGet();
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n", isInteractive: false));
        refused.Remedy.ShouldContain("'--yes'");
        output.ToString().ShouldBeEmpty();
        scripted.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Option_yes_installs_without_asking(bool isInteractive)
    {
        scripted.WithSudo().WithAptGet();
        (await InstallAsync("", isInteractive, yes: true)).Version.ShouldBe(15);
        output.ToString().ShouldBe($"PostgreSQL is not installed. Installing it: {Command}{Environment.NewLine}");
    }

    [Fact]
    public async Task Root_needs_no_sudo()
    {
        scripted.WithAptGet(isRoot: true);
        await InstallAsync("y\n", machine: scripted.Machine with { IsPrivileged = true });
        scripted.Calls.ShouldBe(["apt-get update", "apt-get install -y postgresql"]);
    }

    [Fact]
    public async Task Missing_sudo_is_named()
    {
        scripted.WithAptGet();
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n", yes: true));
        refused.Remedy.ShouldBe(
            "Install it: 'apt-get update && apt-get install -y postgresql'; there is no 'sudo' on this machine: run it as root.");
        scripted.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Fedora_gets_server_and_contrib_modules()
    {
        scripted.WithSudo().WithDnf();
        var found = await InstallAsync("y\n");
        found.Version.ShouldBe(16);
        found.BinDirectory.ShouldBe(Path.Combine(scripted.Root, "usr", "bin"));
        found.HasForeignDataWrapper.ShouldBeTrue();
    }

    [Fact]
    public async Task Homebrew_is_never_run_with_sudo()
    {
        scripted.WithSudo().WithBrew();
        (await InstallAsync("y\n", machine: scripted.Machine with { IsMacOS = true })).Version.ShouldBe(17);
        scripted.Calls.ShouldBe(["brew install postgresql@17"]);
    }

    [Fact]
    public async Task Homebrew_is_not_run_as_root()
    {
        scripted.WithBrew(isRoot: true);
        var machine = scripted.Machine with { IsMacOS = true, IsPrivileged = true };
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n", machine: machine));
        refused.Remedy.ShouldContain("'brew' refuses to run as root");
        scripted.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Missing_contrib_modules_are_installed_alone()
    {
        scripted.WithPostgres(15).WithSudo().WithAptGet();
        (await InstallAsync("y\n")).HasForeignDataWrapper.ShouldBeTrue();
        output.ToString().ShouldContain("lacks postgres_fdw");
        scripted.Calls.ShouldContain("apt-get install -y postgresql-contrib");
    }

    [Fact]
    public async Task Server_that_is_too_old_is_joined_by_a_newer_one()
    {
        scripted.WithPostgres(13, "postgres_fdw").WithSudo().WithAptGet();
        (await InstallAsync("y\n")).Version.ShouldBe(15);
        output.ToString().ShouldContain("is too old: DineHub needs 14 or later.");
    }

    [Fact]
    public async Task Package_that_is_too_old_is_refused_with_the_place_of_newer_ones()
    {
        scripted.WithSudo().WithAptGet(version: 13);
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n"));
        refused.Problem.ShouldContain("is too old");
        refused.Remedy.ShouldContain("https://www.postgresql.org/download/");
        refused.Remedy.ShouldContain("DINEHUB_PG_BIN");
    }

    [Fact]
    public async Task Package_manager_that_fails_is_named_with_its_exit_code()
    {
        scripted.WithSudo().With("apt-get", "[ \"$1\" = update ] || { echo 'E: Unable to locate package postgresql' >&2; exit 100; }");
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n"));
        refused.Problem.ShouldBe("'sudo apt-get install -y postgresql' failed with exit code 100.");
        refused.Remedy.ShouldContain($"run it by hand: '{Command}'");
    }

    [Fact]
    public async Task Installation_stops_at_the_first_command_that_fails()
    {
        scripted.WithSudo().With("apt-get", "exit 100");
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n"));
        refused.Problem.ShouldBe("'sudo apt-get update' failed with exit code 100.");
        scripted.Calls.ShouldBe(["sudo apt-get update", "apt-get update"]);
    }

    [Fact]
    public async Task Machine_without_a_known_package_manager_is_refused_with_the_download_page()
    {
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n"));
        refused.Remedy.ShouldContain("https://www.postgresql.org/download/");
    }

    [Fact]
    public async Task Container_engine_that_only_has_to_be_started_is_mentioned()
    {
        scripted.WithSudo().WithAptGet();
        var idle = new ContainerRefusal("docker", IsInstalled: true, "It does not answer.", "Start it: 'sudo systemctl start docker'.");
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("n\n", containers: new ContainerSearch(null, [idle])));
        const string hint = "To run Citus in containers instead: It does not answer. Start it: 'sudo systemctl start docker'.";
        output.ToString().ShouldContain(hint);
        refused.Remedy.ShouldContain(hint);
    }

    [Fact]
    public async Task Folder_that_the_user_has_set_is_not_replaced_by_an_installation()
    {
        scripted.WithPostgres(15).WithSudo().WithAptGet();
        var folder = Path.Combine(scripted.Root, "usr", "lib", "postgresql", "15", "bin");
        var machine = scripted.Machine with { PostgresDirectory = folder };
        var refused = await Should.ThrowAsync<PrerequisiteException>(InstallAsync("y\n", machine: machine));
        refused.Remedy.ShouldContain("DINEHUB_PG_BIN");
        scripted.Calls.ShouldBeEmpty();
    }

    public void Dispose()
    {
        scripted.Dispose();
        output.Dispose();
    }

    private async Task<PostgresInstallation> InstallAsync(
        string answers, bool isInteractive = true, bool yes = false, LocalMachine? machine = null, ContainerSearch? containers = null)
    {
        machine ??= scripted.Machine;
        using var input = new StringReader(answers);
        return await new PostgresSetup(machine, new Terminal(input, output, isInteractive))
            .InstallAsync(PostgresInstallation.Search(machine), containers, yes, CancellationToken.None)
            .OrFailAsync("the installation has ended", Deadline.Long);
    }
}
