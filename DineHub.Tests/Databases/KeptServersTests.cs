using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Databases;

/// <summary>A folder's data stays with the servers that keep it.</summary>
public sealed class KeptServersTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Fact]
    public void New_folder_keeps_nothing()
    {
        KeptServersRules.Find(Path.Combine(directory.Path, "none")).ShouldBe(KeptServers.None);
        Directory.CreateDirectory(Path.Combine(directory.Path, "nodes", "db-coordinator"));
        KeptServersRules.Find(directory.Path).ShouldBe(KeptServers.None);
    }

    [Theory]
    [InlineData("StockProcesses")]
    [InlineData("CitusProcesses")]
    [InlineData("Containers")]
    public void Servers_that_keep_the_data_are_found_by_their_files(string kept)
    {
        Make(kept);
        KeptServersRules.Find(directory.Path).ToString().ShouldBe(kept);
    }

    [Theory]
    [InlineData("Citus", "StockProcesses", "--engine postgres")]
    [InlineData("Postgres", "CitusProcesses", "--engine citus")]
    [InlineData("Postgres", "Containers", "--engine citus")]
    public void Engine_that_does_not_keep_the_data_is_refused_with_what_to_do(string preference, string kept, string remedy)
    {
        var refusal = Should.Throw<PrerequisiteException>(() =>
            KeptServersRules.Narrow(Enum.Parse<EnginePreference>(preference), Enum.Parse<KeptServers>(kept), directory.Path));
        refusal.Problem.ShouldContain(directory.Path);
        refusal.Remedy.ShouldContain(remedy);
        refusal.Remedy.ShouldContain("--data DIR");
        refusal.Remedy.ShouldContain("--fresh");
    }

    [Theory]
    [InlineData("Auto", "StockProcesses", "Postgres")]
    [InlineData("Auto", "CitusProcesses", "Auto")]
    [InlineData("Auto", "None", "Auto")]
    [InlineData("Citus", "None", "Citus")]
    [InlineData("Postgres", "StockProcesses", "Postgres")]
    public void Stock_data_stays_stock_where_Citus_was_installed_since(string preference, string kept, string narrowed) =>
        KeptServersRules.Narrow(Enum.Parse<EnginePreference>(preference), Enum.Parse<KeptServers>(kept), directory.Path).ToString().ShouldBe(narrowed);

    [Fact]
    public void Servers_of_another_kind_are_refused()
    {
        var containers = new DatabaseEngine.Containers(new ContainerRuntime("podman", LocalMachine.Current));
        Should.NotThrow(() => KeptServersRules.RefuseOther(containers, KeptServers.None, directory.Path));
        Should.NotThrow(() => KeptServersRules.RefuseOther(containers, KeptServers.Containers, directory.Path));
        Should.Throw<PrerequisiteException>(() => KeptServersRules.RefuseOther(containers, KeptServers.CitusProcesses, directory.Path))
            .Problem.ShouldContain("kept by Citus, but this run would use Citus in containers");
    }

    [Fact]
    public async Task AppHost_refuses_another_engine_and_leaves_the_folder_as_it_is()
    {
        Make("StockProcesses");
        var before = Directory.EnumerateFileSystemEntries(directory.Path, "*", SearchOption.AllDirectories).ToList();
        var (exitCode, output) = await AppHostProcess.RunAsync(["--data", directory.Path, "--engine", "citus"]);
        exitCode.ShouldBe(1, output);
        output.ReplaceLineEndings(" ").ShouldContain("is kept by stock PostgreSQL, but this run would use Citus");
        output.ShouldContain("--engine postgres");
        Directory.EnumerateFileSystemEntries(directory.Path, "*", SearchOption.AllDirectories).ShouldBe(before, ignoreOrder: true);
    }

    public void Dispose() => directory.Dispose();

    private void Make(string kept)
    {
        var home = Directory.CreateDirectory(Path.Combine(directory.Path, "nodes", "db-coordinator")).FullName;
        if (kept == "Containers")
        {
            File.WriteAllText(Path.Combine(home, ContainerServers.WasReadyName), "");
            return;
        }

        var data = Directory.CreateDirectory(Path.Combine(home, "pgdata")).FullName;
        File.WriteAllText(Path.Combine(data, "PG_VERSION"), "15\n");
        File.WriteAllText(
            Path.Combine(data, "postgresql.conf"),
            "#shared_preload_libraries = ''\n" + ServerSettings.AtInitialization(usesCitus: kept == "CitusProcesses"));
    }
}
