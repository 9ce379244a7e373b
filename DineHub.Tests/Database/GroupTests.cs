using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using DineHub.Database.Replication;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Database;

/// <summary>What nodes know of each other, and how a cluster with standbys is configured.</summary>
public sealed class GroupTests
{
    private static readonly DateTimeOffset Time = new(2026, 11, 21, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_highest_generation_holds_and_one_that_denies_being_in_sync_is_believed() =>
        Prop.ForAll(
            Gen.Choose(1, 4).SelectMany(generation => Gen.Elements("a", "b").SelectMany(node => ArbMap.Default.GeneratorFor<bool>()
                .SelectMany(inSync => Gen.Choose(0, 9).Select(minute => new PrimaryRecord("g", node, generation, inSync, Time.AddMinutes(minute)))))).ArrayOf().ToArbitrary(),
            records =>
            {
                var newest = PrimaryRecord.Newest(records);
                if (records.Length == 0)
                {
                    return newest is null;
                }

                var highest = records.Where(record => record.Generation == records.Max(one => one.Generation)).ToList();
                return newest!.Generation == highest[0].Generation
                    && newest.InSync == highest.TrueForAll(record => record.InSync)
                    && newest.ChangedAt == highest.Max(record => record.ChangedAt);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_group_without_an_answering_primary_has_the_one_that_last_was()
    {
        var group = new DatabaseGroup(new DatabaseNode("w", "eu", "h1", 1), new DatabaseNode("w-standby", "us", "h2", 2));
        NodeProbe Probe(DatabaseNode node, ServerState state, int? timeline = null) => new(node, state, timeline, null, [], null);
        var promoted = new PrimaryRecord("w", "w-standby", 2, InSync: true, Time);
        var down = new GroupView(group, [Probe(group.Home, ServerState.Standby), Probe(group.Standby!, ServerState.Down)], promoted);
        down.Primary.Node.Name.ShouldBe("w-standby");
        down.Address.ShouldBe(new DatabaseNode("w", "eu", "h2", 2));
        var unknown = new GroupView(group, [Probe(group.Home, ServerState.Down), Probe(group.Standby!, ServerState.Standby)], null);
        unknown.Primary.Node.Name.ShouldBe("w");
        var two = new GroupView(group, [Probe(group.Home, ServerState.Primary, 1), Probe(group.Standby!, ServerState.Primary, 2)], promoted);
        two.Primary.Node.Name.ShouldBe("w-standby");
        (two with { Record = null }).Primary.Node.Name.ShouldBe("w-standby");
    }

    [Fact]
    public void Followers_of_a_resolved_cluster_are_those_of_now()
    {
        var (coordinator, worker) = (new DatabaseGroup(new DatabaseNode("c", "eu", "h0", 1), null), new DatabaseGroup(new DatabaseNode("w", "eu", "h1", 1), new DatabaseNode("w-standby", "us", "h2", 2)));
        NodeProbe Probe(DatabaseNode node, ServerState state) => new(node, state, null, null, [], null);
        var options = new DatabaseOptions { Coordinator = coordinator.Home, Workers = [worker.Home], Standbys = [new StandbyNode(worker.Standby!, "w")] };
        DatabaseOptions Resolved(ServerState home, ServerState standby) =>
            new ClusterView([new GroupView(coordinator, [Probe(coordinator.Home, ServerState.Primary)], null), new GroupView(worker, [Probe(worker.Home, home), Probe(worker.Standby!, standby)], null)]).Resolve(options);
        Resolved(ServerState.Primary, ServerState.Standby).Followers.ShouldBe([worker.Standby!]);
        var promoted = Resolved(ServerState.Silent, ServerState.Primary);
        promoted.Workers.ShouldBe([worker.Home with { Host = "h2", Port = 2 }]);
        promoted.Followers.ShouldNotBeNull().ShouldHaveSingleItem().ShouldBe(worker.Home with { Name = "w (a standby now)" });
    }

    [Fact]
    public void Every_mistake_in_standbys_and_durability_is_reported_at_once()
    {
        var configuration = Configuration();
        configuration["Database:Standbys:0:Name"] = "db-worker-1";
        configuration["Database:Standbys:0:Follows"] = "db-worker-9";
        configuration["Database:Standbys:0:Host"] = "127.0.0.1";
        configuration["Database:Standbys:0:Port"] = "5433";
        configuration["Database:Durability"] = "Standby";
        configuration["Database:StandbyTimeoutSeconds"] = "0";
        var errors = Should.Throw<DatabaseConfigurationException>(() => DatabaseOptions.Read(configuration)).Errors;
        errors.ShouldContain(error => error.Contains("'db-worker-1' is used 2 times", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("follows 'db-worker-9'", StringComparison.Ordinal));
        errors.ShouldContain(error => error.StartsWith("Database:Durability: must be Local", StringComparison.Ordinal));
        errors.ShouldContain(error => error.StartsWith("Database:StandbyTimeoutSeconds: must be a whole number from 1", StringComparison.Ordinal));
    }

    [Fact]
    public void Standbys_make_groups_and_commits_wait_for_them_by_default()
    {
        var configuration = Configuration();
        DatabaseOptions.Read(configuration).Durability.ShouldBe(Durability.Local);
        foreach (var (i, follows) in new[] { "db-coordinator", "db-worker-1" }.Index())
        {
            configuration[$"Database:Standbys:{i}:Name"] = follows + "-standby";
            configuration[$"Database:Standbys:{i}:Follows"] = follows;
            configuration[$"Database:Standbys:{i}:Host"] = "127.0.0.1";
            configuration[$"Database:Standbys:{i}:Port"] = "5433";
        }

        var options = DatabaseOptions.Read(configuration);
        options.Durability.ShouldBe(Durability.Standby);
        options.Groups.Select(group => (group.Name, group.Standby!.Name)).ShouldBe([("db-coordinator", "db-coordinator-standby"), ("db-worker-1", "db-worker-1-standby")]);
        options.Groups[1].PartnerOf("db-worker-1-standby")!.Name.ShouldBe("db-worker-1");
        ReplicationSlot.Of("db-worker-1-standby").ShouldBe("db_worker_1_standby");
    }

    private static ConfigurationManager Configuration()
    {
        var configuration = new ConfigurationManager();
        configuration["Database:AdminConnectionString"] = "Host=127.0.0.1;Username=postgres";
        configuration["Database:Nodes:0:Name"] = "db-worker-1";
        configuration["Database:Nodes:0:Host"] = "127.0.0.1";
        configuration["Database:Nodes:0:Port"] = "5432";
        return configuration;
    }
}
