using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using DineHub.Tests.Database.Servers;
using Npgsql;

namespace DineHub.Tests.Database;

/// <summary>What <c>db migrate</c> refuses before it changes anything.</summary>
public sealed class NodeRequirementsTests
{
    private static readonly NodeFacts Coordinator = new(
        "db-coordinator", 150018, "citus", "13.2-1", "13.2.2", "13.2-1", 200, "logical", TimeSpan.Zero, TimeSpan.Zero, new TextRules("UTF8", "C.UTF-8", "C.UTF-8", "c", "2.36"));

    private static readonly NodeFacts Worker = Coordinator with { Node = "db-worker-1" };

    public static TheoryData<string, string[]> OneMistake => new()
    {
        { "no package", ["Citus is not installed", "PostgreSQL 15"] },
        { "no preload", ["shared_preload_libraries is 'pg_stat_statements', without citus"] },
        { "not first", ["citus is not first"] },
        { "library", ["Citus is 13.1.0, on db-coordinator 13.2.2"] },
        { "library older than package", ["the server has loaded Citus 13.1.0, its package is 13.2-1", "Restart the server"] },
        { "extension newer than package", ["the extension citus is 13.2-1, its package 13.1-1", "Install Citus 13.2 again"] },
        { "prepared", ["max_prepared_transactions is 0", "restart"] },
        { "wal", ["wal_level is replica", "restart"] },
        { "major", ["PostgreSQL is 16, on db-coordinator 15"] },
        { "clock ahead", ["6.0 s ahead of that of db-coordinator", "NTP"] },
        { "clock behind", ["6.0 s behind that of db-coordinator"] },
        { "encoding", ["encoding of the database is SQL_ASCII, on db-coordinator UTF8"] },
        { "collate", ["collation (datcollate) of the database is C"] },
        { "ctype", ["character type (datctype) of the database is C"] },
        { "provider", ["locale provider of the database is i/en"] },
        { "collation version", ["is 2.41, on db-coordinator 2.36", "REINDEX"] },
    };

    [Theory]
    [MemberData(nameof(OneMistake))]
    public void Mistake_is_reported_with_its_node_and_remedy(string mistake, string[] parts)
    {
        // The library of a package that is older or newer differs from the coordinator's, too: that of an upgrade may.
        var kept = mistake.Contains("package", StringComparison.Ordinal) && mistake != "no package" ? EngineChoice.Citus : (EngineChoice?)null;
        var reported = NodeRequirements.Mistakes(EngineChoice.Citus, kept, [Coordinator, With(mistake)]).ShouldHaveSingleItem();
        reported.ShouldStartWith("db-worker-1: ");
        parts.ShouldAllBe(part => reported.Contains(part, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("library")]
    [InlineData("library older than package")]
    [InlineData("collation version")]
    public void Standby_that_is_upgraded_first_is_let_through(string difference) =>
        NodeRequirements.Mistakes(EngineChoice.Citus, kept: null, [Coordinator, With(difference) with { IsStandby = true }]).ShouldBeEmpty();

    [Fact]
    public void Nodes_that_fit_are_let_through()
    {
        NodeRequirements.Mistakes(EngineChoice.Citus, kept: null, [Coordinator, Worker]).ShouldBeEmpty();
        NodeRequirements.Mistakes(EngineChoice.Auto, EngineChoice.Citus, [Coordinator, Worker with { PreloadedLibraries = "\"citus\", pg_stat_statements" }]).ShouldBeEmpty();
        NodeRequirements.Mistakes(EngineChoice.Citus, kept: null, [Coordinator, Worker with { PreloadedLibraries = "$libdir/citus" }]).ShouldBeEmpty();
        var late = TimeSpan.FromSeconds(6);
        NodeRequirements.Mistakes(EngineChoice.Citus, kept: null, [Coordinator, Worker with { ClockOffset = late, ClockUncertainty = TimeSpan.FromSeconds(2) }])
            .ShouldBeEmpty("a slow answer is no wrong clock");
    }

    [Theory]
    [InlineData("no package")]
    [InlineData("no preload")]
    [InlineData("prepared")]
    [InlineData("wal")]
    public void Stock_engine_needs_nothing_of_Citus(string mistake)
    {
        NodeFacts[] nodes = [With(mistake) with { Node = "db-coordinator" }, With(mistake)];
        NodeRequirements.Mistakes(EngineChoice.Postgres, kept: null, nodes).ShouldBeEmpty();
        NodeRequirements.Mistakes(EngineChoice.Auto, EngineChoice.Postgres, nodes).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(EngineChoice.Citus, EngineChoice.Postgres)]
    [InlineData(EngineChoice.Postgres, EngineChoice.Citus)]
    public void Engine_that_does_not_keep_the_data_is_refused_before_its_needs_are_looked_at(EngineChoice kept, EngineChoice asked)
    {
        var reported = NodeRequirements.Mistakes(asked, kept, [With("no package"), With("wal")]).ShouldHaveSingleItem();
        reported.ShouldContain($"kept by the engine {kept}, but Database:Engine is {asked}");
        reported.ShouldContain($"Set Database:Engine to {kept}");
        reported.ShouldContain("--fresh");
    }

    [Fact]
    public void All_mistakes_of_all_nodes_are_reported_at_once()
    {
        var worst = With("wal") with { MaxPreparedTransactions = 0, ClockOffset = TimeSpan.FromMinutes(1), Text = Worker.Text with { Encoding = "LATIN1" } };
        var reported = NodeRequirements.Mistakes(EngineChoice.Auto, kept: null, [Coordinator with { MaxPreparedTransactions = 0 }, worst, With("major")]);
        reported.Count.ShouldBe(6);
        reported.Count(line => line.Contains("max_prepared_transactions", StringComparison.Ordinal)).ShouldBe(2);
    }

    [PostgresFact]
    public async Task Migration_is_refused_before_servers_that_do_not_fit_are_changed()
    {
        using var directory = new TemporaryDirectory();
        using var ports = new PortAllocator();
        var coordinator = new DatabaseNode("db-coordinator", "eu", "127.0.0.1", ports.Next());
        var worker = new DatabaseNode("db-worker-1", "eu", "127.0.0.1", ports.Next());
        var environment = ServedServer.EnvironmentOf(coordinator, worker, standby: null);
        await using var first = new ServedServer(coordinator, directory.Path, environment);
        await using var second = new ServedServer(worker, directory.Path, environment);
        string[] citus = TestEngine.IsCitusInstalled ? ["--setting", "shared_preload_libraries=citus", "--setting", "wal_level=logical"] : [];
        first.MakeHome();
        first.Start(citus);
        second.MakeHome();
        second.Start("--setting", "max_prepared_transactions=0");
        await first.StartedAsync();
        await second.StartedAsync();

        var options = new DatabaseOptions
        {
            AdminConnectionString = environment["Database__AdminConnectionString"],
            Engine = EngineChoice.Citus,
            Coordinator = coordinator,
            Workers = [worker],
        };
        var refusal = (await Should.ThrowAsync<DatabaseSetupException>(() => new Migrator(new DatabaseCluster(options)).MigrateAsync(CancellationToken.None))).Message.Split('\n');
        refusal[0].ShouldStartWith("The database servers do not fit together:");
        var ofWorker = refusal.Where(line => line.StartsWith("  db-worker-1: ", StringComparison.Ordinal)).ToList();
        ofWorker.Count.ShouldBe(3, string.Join('\n', refusal));
        ofWorker[0].ShouldContain(TestEngine.IsCitusInstalled ? "shared_preload_libraries is '', without citus" : "Citus is not installed");
        ofWorker[1].ShouldContain("max_prepared_transactions is 0");
        ofWorker[2].ShouldContain("wal_level is replica");
        refusal.Count(line => line.StartsWith("  db-coordinator: ", StringComparison.Ordinal)).ShouldBe(TestEngine.IsCitusInstalled ? 0 : 2);

        await using var connection = await second.OpenAsync();
        (await connection.ScalarAsync<long>("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'dinehub%'", CancellationToken.None)).ShouldBe(0);
        var clock = await NodeFacts.AskAsync(connection, worker.Name, CancellationToken.None);
        (clock.ClockOffset.Duration() - clock.ClockUncertainty).ShouldBeLessThan(NodeRequirements.MaxClockDifference, "both are this machine's");
        clock.Version.ToString(CultureInfo.InvariantCulture).ShouldStartWith(connection.PostgreSqlVersion.Major.ToString(CultureInfo.InvariantCulture));
    }

    private static NodeFacts With(string mistake) => mistake switch
    {
        "no package" => Worker with { CitusPackage = null, CitusLibrary = null, CitusExtension = null, PreloadedLibraries = "" },
        "no preload" => Worker with { CitusLibrary = null, CitusExtension = null, PreloadedLibraries = "pg_stat_statements" },
        "not first" => Worker with { PreloadedLibraries = "pg_stat_statements, citus" },
        "library" => Worker with { CitusLibrary = "13.1.0", CitusPackage = "13.1-1", CitusExtension = "13.1-1" },
        "library older than package" => Worker with { CitusLibrary = "13.1.0" },
        "extension newer than package" => Worker with { CitusLibrary = "13.1.0", CitusPackage = "13.1-1" },
        "prepared" => Worker with { MaxPreparedTransactions = 0 },
        "wal" => Worker with { WalLevel = "replica" },
        "major" => Worker with { Version = 160004 },
        "clock ahead" => Worker with { ClockOffset = TimeSpan.FromSeconds(6) },
        "clock behind" => Worker with { ClockOffset = TimeSpan.FromSeconds(-6) },
        "encoding" => Worker with { Text = Worker.Text with { Encoding = "SQL_ASCII" } },
        "collate" => Worker with { Text = Worker.Text with { Collate = "C", Version = null } },
        "ctype" => Worker with { Text = Worker.Text with { Ctype = "C" } },
        "provider" => Worker with { Text = Worker.Text with { Provider = "i/en" } },
        "collation version" => Worker with { Text = Worker.Text with { Version = "2.41" } },
        _ => throw new ArgumentOutOfRangeException(nameof(mistake), mistake, null),
    };
}
