using DineHub.AppHost.Local;
using DineHub.Database;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using DineHub.Database.Roles;

namespace DineHub.Tests.Aspire;

/// <summary>
/// What the containers of a group do before PostgreSQL starts, done by the same script with this machine's PostgreSQL: a coordinator, and a worker
/// with a standby that is really promoted.
/// </summary>
public sealed class CitusNodeScriptTests : IAsyncLifetime
{
    private const string Group = "db-worker-1";
    private static readonly PromotionConsent NoConsent = new(Lost: false, AcceptLoss: false);
    private static readonly PromotionConsent Lost = new(Lost: true, AcceptLoss: true);

    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly ScriptedServer coordinator;
    private readonly ScriptedServer worker;
    private readonly ScriptedServer standby;
    private readonly DatabaseOptions options;
    private readonly NodeConnections connections;

    public CitusNodeScriptTests()
    {
        coordinator = new ScriptedServer("db-coordinator", ports.Next(), directory.Path, group: null);
        worker = new ScriptedServer(Group, ports.Next(), directory.Path, Group);
        standby = new ScriptedServer(Group + "-standby", ports.Next(), directory.Path, Group) { Peer = worker };
        worker.Peer = standby;
        options = new DatabaseOptions
        {
            AdminConnectionString = $"Username=postgres;Password=\"{ScriptedServer.Password}\"",
            Engine = EngineChoice.Postgres,
            Coordinator = coordinator.Node,
            Workers = [worker.Node],
            Standbys = [new StandbyNode(standby.Node, Group)],
            Passwords = DatabaseRoles.WithPassword.ToDictionary(role => role.Name, role => "password of " + role.Name),
        };
        connections = NodeConnections.AsAdministrator(options);
    }

    public Task InitializeAsync()
    {
        File.Copy(ScriptedServer.Source("citus-node.sh"), Path.Combine(directory.Path, "citus-node.sh"));

        // With passwords only: what the image trusts, this machine's other users would be trusted with.
        File.WriteAllLines(Path.Combine(directory.Path, "pg_hba.conf"), File.ReadLines(ScriptedServer.Source("pg_hba.conf")).Where(line => !line.EndsWith(" trust", StringComparison.Ordinal)));
        UnprivilegedUser.Find()?.Own(directory.Path);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var server in new[] { standby, worker, coordinator })
        {
            await server.DisposeAsync();
        }

        ports.Dispose();
        directory.Dispose();
    }

    [PostgresFact]
    public async Task A_standby_is_a_copy_that_streams_and_a_primary_that_was_fenced_comes_back_as_the_standby_of_the_other_one()
    {
        // In no order, as containers.
        await standby.StartAsync();
        await StartClusterAsync();
        await IsAsync(standby, ServerState.Standby);
        await WriteAndReadAsync(worker, standby, "streamed");

        (await PromoteAsync(NoConsent)).Name.ShouldBe(standby.Node.Name);
        (await worker.EndedAsync()).ShouldBe(0);
        File.Exists(Path.Combine(worker.DataDirectory, Fence.File)).ShouldBeTrue();
        await worker.StartAsync();
        await IsAsync(worker, ServerState.Standby);
        worker.Output.ShouldContain($"{Group} is copied from");
        await WriteAndReadAsync(standby, worker, "streamed the other way");

        // And back.
        (await PromoteAsync(NoConsent)).Name.ShouldBe(Group);
        await standby.EndedAsync();
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Standby);
        await WriteAndReadAsync(worker, standby, "streamed as at first");
    }

    [PostgresFact]
    public async Task At_a_later_run_a_standby_starts_as_one_and_the_promoted_server_as_the_primary()
    {
        await StartClusterAsync();
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Standby);
        await PromoteAsync(NoConsent);
        await worker.EndedAsync();
        await worker.StartAsync();
        await IsAsync(worker, ServerState.Standby);
        await worker.StopAsync();
        await standby.StopAsync();

        await worker.StartAsync();
        await IsAsync(worker, ServerState.Standby);
        worker.Output.ShouldContain("starts as a standby");
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Primary);
        await WriteAndReadAsync(standby, worker, "streamed at a later run");
    }

    [PostgresFact]
    public async Task A_primary_that_was_killed_and_replaced_never_starts_as_a_second_one_also_where_the_other_one_is_down()
    {
        await StartClusterAsync();
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Standby);
        await worker.StopAsync(ProcessLauncher.SigKill);
        await PromoteAsync(Lost);
        await standby.StopAsync();
        File.Exists(Path.Combine(worker.DataDirectory, Fence.File)).ShouldBeFalse();

        await worker.StartAsync();
        await Eventually.TrueAsync(() => worker.Output.Contains("waits for", StringComparison.Ordinal), "the former primary waits");
        worker.Runs.ShouldBeTrue();
        (await StateAsync(worker)).ShouldBe(ServerState.Down);
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Primary);
        await IsAsync(worker, ServerState.Standby);
        await WriteAndReadAsync(standby, worker, "streamed after that");
    }

    [PostgresFact]
    public async Task A_primary_starts_without_its_standby_and_does_not_wait_for_one()
    {
        await StartClusterAsync();
        await standby.StartAsync();
        await IsAsync(standby, ServerState.Standby);
        await standby.StopAsync();
        await worker.StopAsync(ProcessLauncher.SigKill);
        await worker.StartAsync();
        await IsAsync(worker, ServerState.Primary);
        File.Exists(Path.Combine(worker.Notes, Group)).ShouldBeFalse();
    }

    [PostgresFact]
    public async Task A_primary_that_was_fenced_does_not_start_before_the_standby_is_promoted_and_one_that_lost_its_data_is_not_made_anew()
    {
        await worker.StartAsync();
        await IsAsync(worker, ServerState.Primary);
        await worker.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(worker.DataDirectory, Fence.File), "");
        await worker.StartAsync();
        (await worker.EndedAsync()).ShouldBe(1);
        worker.Output.ShouldContain("promote it again");

        Directory.Delete(worker.DataDirectory, recursive: true);
        await File.WriteAllTextAsync(Path.Combine(worker.Notes, Group), Group + "\n");
        await worker.StartAsync();
        (await worker.EndedAsync()).ShouldBe(1);
        worker.Output.ShouldContain("has lost its data");
        Directory.Exists(worker.DataDirectory).ShouldBeFalse();
    }

    private async Task StartClusterAsync()
    {
        await coordinator.StartAsync();
        await worker.StartAsync();
        await IsAsync(coordinator, ServerState.Primary);
        await IsAsync(worker, ServerState.Primary);
        await new Migrator(await DatabaseCluster.ResolveAsync(options, CancellationToken.None)).MigrateAsync(CancellationToken.None);
    }

    private Task<DatabaseNode> PromoteAsync(PromotionConsent consent) =>
        new Promotion(options, TimeProvider.System, _ => { }).PromoteAsync(Group, consent, CancellationToken.None).OrFailAsync("the standby is promoted", Deadline.Long);

    private async Task<ServerState> StateAsync(ScriptedServer server) => (await NodeProbe.AskAsync(connections, server.Node, CancellationToken.None)).State;

    private async Task IsAsync(ScriptedServer server, ServerState state)
    {
        await Eventually.TrueAsync(async () => await StateAsync(server) == state || !server.Runs, $"{server.Node.Name} is {state}");
        server.Runs.ShouldBeTrue(server.Output);
    }

    private async Task WriteAndReadAsync(ScriptedServer primary, ScriptedServer follower, string text)
    {
        await using (var connection = await connections.OpenAsync(primary.Node, "postgres", CancellationToken.None))
        {
            await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS written (text text)", CancellationToken.None);
            await connection.ExecuteAsync("INSERT INTO written VALUES ($1)", CancellationToken.None, text);
        }

        await Eventually.TrueAsync(
            async () =>
            {
                await using var connection = await connections.OpenAsync(follower.Node, "postgres", CancellationToken.None);
                return await connection.ScalarAsync<bool>("SELECT to_regclass('written') IS NOT NULL", CancellationToken.None)
                    && await connection.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM written WHERE text = $1)", CancellationToken.None, text);
            },
            $"{follower.Node.Name} has what was written on {primary.Node.Name}");
    }
}
