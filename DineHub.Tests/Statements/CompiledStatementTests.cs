namespace DineHub.Tests.Statements;

/// <summary>How the SQL of the API is found in its code, and recognised in what is executed.</summary>
public sealed class CompiledStatementTests
{
    [Fact]
    public void The_SQL_of_the_API_is_found_in_its_code()
    {
        var literals = CompiledStatements.Read();
        literals.Select(literal => literal.File).ShouldContain("DineHub.Api/Orders/OrderStore.cs");
        literals.ShouldContain(new CompiledStatement("DineHub.Api/Restaurants/RestaurantDirectory.cs", "SELECT id FROM restaurants"));
        literals.ShouldContain(new CompiledStatement("DineHub.Api/Menus/MenuStore.cs", "UPDATE menus SET version = version + 1, "), "a piece that is put together at run time");
        literals.ShouldContain(literal => literal.Text.StartsWith("INSERT INTO orders ", StringComparison.Ordinal) && literal.Text.EndsWith("ON CONFLICT DO NOTHING", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("SELECT id FROM restaurants", "SELECT id FROM restaurants WHERE id = $1", false)]
    [InlineData("SELECT id FROM restaurants", "SELECT id FROM restaurants", true)]
    [InlineData("UPDATE menus SET ", "UPDATE menus SET version = 1", true)]
    [InlineData("UPDATE menus SET ", "SELECT 1", false)]
    [InlineData("document = $3", "UPDATE menus SET document = $3 WHERE restaurant_id = $1", true)]
    [InlineData("document = $3", "UPDATE menus SET document = $4 WHERE restaurant_id = $1", false)]
    public void A_literal_is_seen_in_its_own_statements_only(string literal, string statement, bool isSeen) =>
        new CompiledStatement("A.cs", literal).IsIn(statement).ShouldBe(isSeen);
}
