using DineHub.Database.Migrations;

namespace DineHub.Tests.Database;

/// <summary>How a holder's query is named; the holders themselves are in <see cref="MigrationRolloutTests"/>.</summary>
public sealed class LockHoldersTests
{
    [Theory]
    [InlineData("SELECT 1", "SELECT 1")]
    [InlineData("UPDATE orders\n   SET name = 'Ada O''Neil'  WHERE id = $1", "UPDATE orders SET name = '…' WHERE id = $1")]
    [InlineData("INSERT INTO orders VALUES ('Ada Love", "INSERT INTO orders VALUES ('…'")]
    [InlineData(@"UPDATE orders SET name = E'O\'Hara, 5 Main St' WHERE id = $1", "UPDATE orders SET name = '…' WHERE id = $1")]
    [InlineData("SELECT $t$Ada's$t$, 15550199, 7", "SELECT '…', '…', 7")]
    public void Query_is_named_without_its_literals(string query, string shortened) => LockHolders.Shorten(query).ShouldBe(shortened);

    [Fact]
    public void Long_query_is_cut() => LockHolders.Shorten(new string('x', 500)).ShouldBe(new string('x', 99) + "…");
}
