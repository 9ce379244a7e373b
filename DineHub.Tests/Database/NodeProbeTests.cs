using DineHub.Database.Cluster;
using DineHub.Database.Nodes;

namespace DineHub.Tests.Database;

/// <summary>What is found out about servers that do not answer.</summary>
public sealed class NodeProbeTests
{
    // RFC 6761, 6.4: names under .invalid do not exist. A stopped container has no name either.
    [Theory]
    [InlineData("db-worker-1.invalid", ServerState.Silent)]
    [InlineData("127.0.0.1", ServerState.Down)]
    public async Task A_server_without_a_name_is_silent_and_one_that_refuses_is_down(string host, ServerState state)
    {
        var node = new DatabaseNode("db-worker-1", "eu-west-1", host, 1);
        var options = new DatabaseOptions { AdminConnectionString = "Username=postgres;Password=secret", Coordinator = node, Workers = [node] };
        var probe = await NodeProbe.AskAsync(NodeConnections.AsAdministrator(options), node, CancellationToken.None);
        probe.State.ShouldBe(state, probe.Problem);
    }
}
