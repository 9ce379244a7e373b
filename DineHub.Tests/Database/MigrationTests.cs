using DineHub.Database.Cluster;
using DineHub.Database.Migrations;

namespace DineHub.Tests.Database;

public sealed class MigrationTests
{
    [Fact]
    public void The_migrations_are_numbered_without_gaps_and_placed()
    {
        Migration.All.Select(migration => migration.Number).ShouldBe(Enumerable.Range(1, Migration.All.Count));
        Migration.All.Single(migration => migration.Name == "orders").Placement.DistributionColumn.ShouldBe("restaurant_id");
        Migration.All.Single(migration => migration.Name == "restaurants").Placement.IsDistributed.ShouldBeFalse();
    }

    [Theory]
    [InlineData("1_x.sql", "-- placement: reference\n")]
    [InlineData("0001_X.sql", "-- placement: reference\n")]
    [InlineData("0001_x.sql", "CREATE TABLE x ();")]
    [InlineData("0001_x.sql", "-- placement: somewhere\n")]
    [InlineData("0001_x.sql", "\n-- placement: reference\n")]
    public void A_migration_without_a_proper_name_or_placement_is_refused(string name, string sql) =>
        Should.Throw<FormatException>(() => Migration.Parse(name, sql));

    [Theory]
    [InlineData("-- phase: expand\n")]
    [InlineData("-- transaction: None\n")]
    [InlineData("-- a comment\n-- transaction: none\n")]
    [InlineData("-- transaction: none\n-- phase: contract\n")]
    public void A_phase_or_transaction_that_is_declared_wrongly_is_refused(string lines) =>
        Should.Throw<FormatException>(() => Migration.Parse("0001_x.sql", $"-- placement: reference\n{lines}DROP INDEX CONCURRENTLY IF EXISTS x"))
            .Message.ShouldContain("on the second line");

    [Theory]
    [InlineData("CREATE INDEX CONCURRENTLY IF NOT EXISTS x_by_y ON x (y) WHERE y > 0;\n", true)]
    [InlineData("-- Why.\nCREATE UNIQUE INDEX CONCURRENTLY\n  IF NOT EXISTS x_by_y\n  ON x (y)", true)]
    [InlineData("DROP INDEX CONCURRENTLY IF EXISTS x_by_y;", false)]
    public void An_index_may_be_made_or_dropped_outside_of_a_transaction(string statement, bool isMade)
    {
        var migration = Migration.Parse("0001_x.sql", $"-- placement: distributed by y\n-- transaction: none\n{statement}");
        migration.Kind.ShouldBe(MigrationKind.ConcurrentIndex);
        migration.Index.ShouldNotBeNull();
        migration.Index.Name.ShouldBe("x_by_y");
        migration.Index.IsMade.ShouldBe(isMade);
    }

    [Theory]
    [InlineData("")]
    [InlineData("CREATE INDEX x_by_y ON x (y);")]
    [InlineData("CREATE INDEX CONCURRENTLY x_by_y ON x (y);")]
    [InlineData("DROP INDEX CONCURRENTLY x_by_y;")]
    [InlineData("DROP INDEX CONCURRENTLY IF EXISTS x_by_y, x_by_z;")]
    [InlineData("CREATE INDEX CONCURRENTLY IF NOT EXISTS \"X\" ON x (y);")]
    [InlineData("CREATE INDEX CONCURRENTLY IF NOT EXISTS x_by_y ON x (y); DROP INDEX CONCURRENTLY IF EXISTS x_by_z;")]
    [InlineData("ALTER TABLE x ADD COLUMN z text;")]
    public void Nothing_else_may_run_outside_of_a_transaction(string statements) =>
        Should.Throw<FormatException>(() => Migration.Parse("0001_x.sql", $"-- placement: reference\n-- transaction: none\n{statements}"))
            .Message.ShouldContain("CREATE INDEX CONCURRENTLY IF NOT EXISTS");

    [Fact]
    public void A_contraction_drops_columns_and_tables()
    {
        var migration = Migration.Parse("0001_x.sql", """
            -- placement: distributed by y
            -- phase: contract
            -- No statement reads them any more.
            ALTER TABLE IF EXISTS x DROP COLUMN IF EXISTS a, DROP COLUMN IF EXISTS b;
            ALTER TABLE IF EXISTS z
                DROP COLUMN IF EXISTS a,
                DROP COLUMN IF EXISTS b;
            DROP TABLE IF EXISTS w;
            """);
        migration.Kind.ShouldBe(MigrationKind.Contract);
        migration.Statements.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ALTER TABLE x DROP COLUMN IF EXISTS a;")]
    [InlineData("ALTER TABLE IF EXISTS x DROP COLUMN a;")]
    [InlineData("ALTER TABLE IF EXISTS x DROP COLUMN IF EXISTS a CASCADE;")]
    [InlineData("ALTER TABLE IF EXISTS x DROP COLUMN IF EXISTS a, ADD COLUMN b text;")]
    [InlineData("DROP TABLE IF EXISTS x; CREATE TABLE x (a text);")]
    public void A_contraction_does_nothing_else(string statements) =>
        Should.Throw<FormatException>(() => Migration.Parse("0001_x.sql", $"-- placement: distributed by y\n-- phase: contract\n{statements}"))
            .Message.ShouldContain("contracts");

    [Fact]
    public void The_migrations_leave_a_running_older_version_its_tables() => MigrationRules.Violations(Migration.All).ShouldBeEmpty();

    [Theory]
    [InlineData("CREATE INDEX orders_by_tip ON orders (tip);", "CONCURRENTLY")]
    [InlineData("CREATE TABLE y (a text);\nCREATE UNIQUE INDEX orders_by_tip\n  ON orders (tip)", "CONCURRENTLY")]
    [InlineData("ALTER TABLE orders DROP COLUMN tip;", "contract")]
    [InlineData("DROP TABLE orders;", "contract")]
    [InlineData("ALTER TABLE orders RENAME COLUMN tip TO extra;", "renames")]
    [InlineData("ALTER TABLE orders ALTER COLUMN tip TYPE integer;", "retypes")]
    [InlineData("ALTER TABLE orders ADD COLUMN a text DEFAULT '', ADD COLUMN b text NOT NULL;", "default")]
    public void What_breaks_a_running_older_version_is_found(string statements, string hint) =>
        MigrationRules.Violations([.. Migration.All, Further(statements)]).ShouldHaveSingleItem().ShouldContain(hint);

    [Theory]
    [InlineData("CREATE TABLE tips (a text NOT NULL); CREATE INDEX tips_by_a ON tips (a); GRANT SELECT ON tips TO dinehub_api;")]
    [InlineData("ALTER TABLE orders ADD COLUMN a text, ADD COLUMN b text NOT NULL DEFAULT '', ADD COLUMN payment_type text;")]
    [InlineData("ALTER TABLE orders ADD CONSTRAINT orders_tip CHECK (tip IS NOT NULL) NOT VALID;")]
    public void What_only_adds_is_let_through(string statements) =>
        MigrationRules.Violations([.. Migration.All, Further(statements)]).ShouldBeEmpty();

    [Fact]
    public void Every_mistake_in_the_configuration_is_reported_at_once()
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager();
        configuration["Database:Engine"] = "Oracle";
        configuration["Database:Shards"] = "many";
        configuration["Database:Nodes:0:Name"] = "db-worker-1";
        configuration["Database:Nodes:0:Port"] = "0";
        Should.Throw<DatabaseConfigurationException>(() => DatabaseOptions.Read(configuration)).Errors
            .Select(error => error.Split(": ")[0])
            .ShouldBe(["Database:AdminConnectionString", "Database:Engine", "Database:Nodes:0:Host", "Database:Nodes:0:Port", "Database:Shards"], ignoreOrder: true);
    }

    private static Migration Further(string statements) =>
        Migration.Parse($"{Migration.All.Count + 1:0000}_x.sql", $"-- placement: distributed by restaurant_id\n{statements}");
}
