using DineHub.Database;

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
}
