using DineHub.Database.Engines;
using DineHub.Tests.Cluster;

namespace DineHub.Tests.Statements;

/// <summary>What each statement of the API costs on Citus, as the nodes' own commands show.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StatementTests(ClusterFixture fixture)
{
    // Statements that may touch more than one shard, each with the reason. There is none.
    private static readonly Exemption[] ManyShards = [];

    // Writes of reference tables, which Citus commits in two phases on all nodes. Nothing else may be.
    private static readonly Exemption[] TwoPhase =
    [
        new("INSERT INTO restaurants ", "an operator creates a restaurant"),
        new("UPDATE restaurants r SET name = ", "an owner changes the profile"),
        new("UPDATE restaurants r SET closed_at = ", "an operator closes a restaurant or opens it again"),
        new("UPDATE restaurants SET paused_until = ", "copies a pause that is committed already to the directory; where that fails, upkeep does it"),
        new("INSERT INTO data_protection_keys ", "a new key once in 90 days"),
    ];

    // What the API asks the stock engine.
    private static readonly string[] OfTheStockEngine = [CompiledStatements.Normalize(PostgresEngine.RemainderOfIds)];

    [CitusFact]
    public async Task Every_statement_touches_one_shard_and_commits_in_one_phase()
    {
        var shards = await ShardMap.ReadAsync(fixture);
        await using var api = await RecordedApi.StartAsync(fixture);
        await new StatementWalk(fixture.Through(api.Client), api.Services, api.Recorder).RunAsync();
        var literals = CompiledStatements.Read().Where(literal => !OfTheStockEngine.Contains(literal.Text)).ToList();
        var report = StatementReport.Of(literals, api.Recorder, shards);

        report.Unseen.ShouldBeEmpty("StatementWalk executes every statement: add the request that leads to this one");
        report.Unknown.ShouldBeEmpty("every statement is a literal of the API, or is put together from literals that end in a space");
        report.BatchesOfWrites.ShouldBeEmpty("a batch is no transaction on Citus: begin one");
        ShouldBeExempt(
            report.Statements.Where(row => row.Cost.Reach == StatementReach.ManyShards || row.Cost is { Reach: StatementReach.OneShard, Column: not ("restaurant_id" or "account_id") }),
            ManyShards,
            "touches one shard, that of a restaurant or of an account: it carries the column");
        ShouldBeExempt(
            report.Statements.Where(row => row.Cost.IsTwoPhase || row.Cost.Reach == StatementReach.EveryNode), TwoPhase, "is committed in one phase: what a kitchen or a customer does must be");
        report.Transactions.Where(row => row.IsTwoPhase).ShouldBeEmpty("a transaction keeps to one shard, and is committed in one phase");
        report.Transactions.ShouldNotBeEmpty();
        Snapshot.ShouldMatch(report.ToMarkdown(), "docs", "statements.md");
    }

    private static void ShouldBeExempt(IEnumerable<StatementRow> rows, Exemption[] exemptions, string rule)
    {
        var statements = rows.Select(row => row.Statement).ToList();
        statements.Where(statement => !exemptions.Any(exemption => exemption.Allows(statement))).ShouldBeEmpty(rule);
        exemptions.Where(exemption => !statements.Any(exemption.Allows)).ShouldBeEmpty("no exemption is left over");
    }

    private sealed record Exemption(string Beginning, string Reason)
    {
        public bool Allows(string statement) => statement.StartsWith(Beginning, StringComparison.Ordinal);
    }
}
