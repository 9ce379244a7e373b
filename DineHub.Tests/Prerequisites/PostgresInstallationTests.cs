using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Prerequisites;

public sealed class PostgresInstallationTests : IDisposable
{
    private readonly ScriptedMachine scripted = new();

    [Fact]
    public void Newest_version_is_found()
    {
        scripted.WithPostgres(9, "postgres_fdw").WithPostgres(15, "postgres_fdw").WithPostgres(16, "postgres_fdw", "citus");
        var found = PostgresInstallation.Search(scripted.Machine)!;
        found.Version.ShouldBe(16);
        found.HasCitus.ShouldBeTrue();
        found.Program("initdb").ShouldBe(Path.Combine(scripted.Root, "usr", "lib", "postgresql", "16", "bin", "initdb"));
    }

    [Fact]
    public void Version_with_extensions_is_preferred_to_a_newer_one_without()
    {
        scripted.WithPostgres(15, "postgres_fdw").WithPostgres(16);
        PostgresInstallation.Search(scripted.Machine)!.Version.ShouldBe(15);
    }

    [Fact]
    public void Version_that_is_too_old_is_found_as_such()
    {
        scripted.WithPostgres(13, "postgres_fdw");
        PostgresInstallation.Search(scripted.Machine)!.IsSupported.ShouldBeFalse();
    }

    [Fact]
    public void Machine_without_PostgreSQL_has_none() => PostgresInstallation.Search(scripted.Machine).ShouldBeNull();

    [Fact]
    public void Configured_folder_without_a_server_is_refused()
    {
        scripted.WithPostgres(15, "postgres_fdw");
        var machine = scripted.Machine with { PostgresDirectory = scripted.Root };
        var refused = Should.Throw<PrerequisiteException>(() => PostgresInstallation.Search(machine));
        refused.Message.ShouldContain("DINEHUB_PG_BIN");
    }

    public void Dispose() => scripted.Dispose();
}
