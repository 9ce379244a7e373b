using DineHub.Api.Http.Errors;
using DineHub.Database.Connections;
using DineHub.Database.Engines;
using Npgsql;

namespace DineHub.Tests.Database;

/// <summary>The table of Citus's errors without an SQLSTATE; those that can be provoked are in <see cref="Cluster.CitusErrorTests"/>.</summary>
public sealed class CitusErrorsTests
{
    public static TheoryData<string, CitusFailure> Messages => new()
    {
        { "could not commit transaction for shard 102008 on at least one active node", CitusFailure.OutcomeUnknown },
        { "failure on connection marked as essential: 127.0.0.1:5432", CitusFailure.LockOrConnection },
        { "could not acquire the lock required to move public.orders", CitusFailure.LockOrConnection },
        { "could not find valid entry for shard 102008", CitusFailure.ShardSplit },
        { "failed to prepare transaction 'citus_0_9_1_1' on host 127.0.0.1:5432", CitusFailure.ConnectionLost },
        { "execution cannot recover from multiple connection failures. Last node failed 127.0.0.1:5432", CitusFailure.ConnectionLost },
        { "failed to read result \"1_2\" from node 127.0.0.1:5432", CitusFailure.ConnectionLost },
        { "postmaster was shut down, exiting", CitusFailure.ConnectionLost },
        { "FATAL:  terminating connection due to administrator command\nSSL connection has been closed unexpectedly", CitusFailure.ConnectionLost },
        { "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally", CitusFailure.ConnectionLost },
        { "SSL connection has been closed unexpectedly", CitusFailure.ConnectionLost },
        { "SSL SYSCALL error: EOF detected\ninvalid socket", CitusFailure.ConnectionLost },
        { "SSL error: unexpected eof while reading", CitusFailure.ConnectionLost },
        { "could not receive data from server: Connection reset by peer", CitusFailure.ConnectionLost },
        { "could not send data to server: Broken pipe", CitusFailure.ConnectionLost },
        { "no connection to the server", CitusFailure.ConnectionLost },
        { "connection not open", CitusFailure.ConnectionLost },
        { "lost synchronization with server: got message type \"x\", length 1", CitusFailure.ConnectionLost },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Error_without_an_SQLSTATE_is_understood_and_answered_503(string message, CitusFailure meaning)
    {
        var error = Error(message, PostgresErrorCodes.InternalError);
        CitusErrors.MeaningOf(error).ShouldBe(meaning);
        DatabaseUnavailableHandler.IsUnavailable(error).ShouldBeTrue();
        ConnectionLoss.IsLost(error).ShouldBeFalse("the server that reports it is there");
    }

    [Fact]
    public void Every_entry_of_the_table_has_a_message_here() =>
        CitusErrors.All.Where(entry => !Messages.Any(row => ((string)row[0]).StartsWith(entry.Start, StringComparison.Ordinal))).ShouldBeEmpty();

    [Fact]
    public void Error_with_an_SQLSTATE_means_what_that_says()
    {
        CitusErrors.MeaningOf(Error("server closed the connection unexpectedly", PostgresErrorCodes.ConnectionFailure)).ShouldBeNull();
        CitusErrors.MeaningOf(Error("connection not open", PostgresErrorCodes.UndefinedTable)).ShouldBeNull();
    }

    [Theory]
    [InlineData("unrecognized node type: 4711", false)]
    [InlineData("the text says: server closed the connection unexpectedly", false)]
    [InlineData("could not open relation with OID 16401", true)]
    [InlineData("cache lookup failed for relation 16401", true)]
    public void Other_internal_errors_are_faults_unless_a_table_was_replaced(string message, bool isUnavailable)
    {
        CitusErrors.MeaningOf(Error(message, PostgresErrorCodes.InternalError)).ShouldBeNull();
        DatabaseUnavailableHandler.IsUnavailable(Error(message, PostgresErrorCodes.InternalError)).ShouldBe(isUnavailable);
    }

    private static PostgresException Error(string message, string code) => new(message, "ERROR", "ERROR", code);
}
