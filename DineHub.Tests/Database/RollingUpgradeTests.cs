using DineHub.Database;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;

namespace DineHub.Tests.Database;

/// <summary>What <c>db migrate</c> does and says while the servers of a cluster are upgraded one at a time.</summary>
public sealed class RollingUpgradeTests
{
    private static readonly NodeFacts New = new(
        "db-coordinator", 150018, "citus", "13.2-1", "13.2.2", "13.1-1", 200, "logical", TimeSpan.Zero, TimeSpan.Zero, new TextRules("UTF8", "C.UTF-8", "C.UTF-8", "c", "2.36"));

    private static readonly NodeFacts Old = New with { Node = "db-worker-1", CitusPackage = "13.1-1", CitusLibrary = "13.1.0" };
    private static readonly NodeFacts Standby = New with { Node = "db-worker-1-standby", IsStandby = true };

    [Fact]
    public void Extension_is_updated_when_every_server_has_the_new_library() =>
        RollingUpgrade.Of([New, New with { Node = "db-worker-1" }, Standby], []).ShouldBe(new RollingUpgrade("13.2-1", ["db-coordinator", "db-worker-1"], []), new ByContent());

    [Fact]
    public void Update_that_was_interrupted_between_nodes_goes_on() =>
        RollingUpgrade.Of([New, New with { Node = "db-worker-1", CitusExtension = "13.2-1" }], []).ShouldBe(new RollingUpgrade("13.2-1", ["db-coordinator"], []), new ByContent());

    [Fact]
    public void New_worker_without_the_extension_is_left_to_its_set_up() =>
        RollingUpgrade.Of([New, New with { Node = "db-worker-4", CitusExtension = null }], []).Nodes.ShouldBe(["db-coordinator"]);

    [Fact]
    public void Schema_of_a_patch_release_waits_for_every_package()
    {
        NodeFacts patched = New with { CitusExtension = "13.2-1", CitusPackage = "13.2-10", CitusLibrary = "13.2.9" };
        var other = patched with { Node = "db-worker-1", CitusPackage = "13.2-2", CitusLibrary = "13.2.2" };
        RollingUpgrade.Of([patched, other], []).Extension.ShouldBeNull();
        RollingUpgrade.Of([patched, other], []).Notes.ShouldHaveSingleItem().ShouldStartWith("db-worker-1: Citus is 13.2.2 (package 13.2-2), ");
        RollingUpgrade.Of([patched, other with { CitusPackage = "13.2-10" }], []).Extension.ShouldBe("13.2-10");
    }

    [Fact]
    public void Extension_waits_for_a_server_with_the_former_library()
    {
        var found = RollingUpgrade.Of([New, Old, Standby with { CitusLibrary = "13.1.0" }], []);
        found.Extension.ShouldBeNull();
        found.Notes.Count.ShouldBe(2);
        found.Notes[0].ShouldStartWith("db-worker-1: Citus is 13.1.0 (package 13.1-1), elsewhere the package is 13.2-1. ");
        found.Notes[1].ShouldStartWith("db-worker-1-standby: Citus is 13.1.0 (package 13.2-1), ");
    }

    [Fact]
    public void Extension_waits_for_a_standby_that_does_not_answer()
    {
        var found = RollingUpgrade.Of([New], ["db-worker-1-standby"]);
        found.Extension.ShouldBeNull();
        found.Notes.ShouldHaveSingleItem().ShouldStartWith("db-worker-1-standby: does not answer");
    }

    [Fact]
    public void Silent_standby_is_no_matter_where_nothing_is_to_be_updated() =>
        RollingUpgrade.Of([New with { CitusExtension = "13.2-1" }], ["db-worker-1-standby"]).ShouldBe(RollingUpgrade.None, new ByContent());

    [Fact]
    public void Servers_without_Citus_have_nothing_to_update()
    {
        var stock = New with { CitusPackage = null, CitusLibrary = null, CitusExtension = null, PreloadedLibraries = "" };
        RollingUpgrade.Of([stock, stock with { Node = "db-worker-1" }], []).ShouldBe(RollingUpgrade.None, new ByContent());
    }

    [Fact]
    public void Server_with_the_former_major_version_of_PostgreSQL_is_named()
    {
        var found = RollingUpgrade.Of([New with { CitusExtension = "13.2-1" }, Old with { CitusPackage = "13.2-1", CitusLibrary = "13.2.2", CitusExtension = "13.2-1", Version = 170004 }], []);
        found.Extension.ShouldBeNull();
        found.Notes.ShouldHaveSingleItem().ShouldStartWith("db-coordinator: PostgreSQL is 15, elsewhere 17. ");
    }

    [Theory]
    [InlineData("13.1.0", true)]
    [InlineData("13.3.1", true)]
    [InlineData("13.0.3", false)]
    [InlineData("14.1.0", false)]
    [InlineData("12.2.1", false)]
    public void Versions_are_mixed_for_an_upgrade_only_where_Citus_lets_them(string library, bool fits)
    {
        var package = library[..^2] + "-1";
        NodeFacts[] nodes = [New, Old with { CitusLibrary = library, CitusPackage = package, CitusExtension = package }];
        NodeRequirements.Mistakes(EngineChoice.Citus, EngineChoice.Citus, nodes).Count.ShouldBe(fits ? 0 : 1);
        NodeRequirements.Mistakes(EngineChoice.Citus, kept: null, nodes).Count.ShouldBe(1, "a new cluster begins with one version");
    }

    [Theory]
    [InlineData("13.1-1", "13.0-4", false)]
    [InlineData("13.2-1", "13.1-1", true)]
    [InlineData("14.0-1", "14.1-1", true)]
    [InlineData("13.0-1", "13.0-4", true)]
    public void Neighbours_work_together_from_13_2_on(string one, string other, bool expected)
    {
        CitusVersion.Parse(one).WorksWith(CitusVersion.Parse(other)).ShouldBe(expected);
        CitusVersion.Parse(other).WorksWith(CitusVersion.Parse(one)).ShouldBe(expected);
    }

    [Fact]
    public void Server_that_is_new_to_the_cluster_must_have_its_versions()
    {
        var cluster = New with { CitusExtension = "13.2-1" };
        var added = cluster with { Node = "db-worker-4", CitusExtension = null };
        NodeRequirements.Mistakes(EngineChoice.Citus, EngineChoice.Citus, [cluster, added]).ShouldBeEmpty();
        NodeRequirements.Mistakes(EngineChoice.Citus, EngineChoice.Citus, [cluster, added with { CitusLibrary = "13.1.0", CitusPackage = "13.1-1" }]).ShouldHaveSingleItem();
        NodeRequirements.Mistakes(EngineChoice.Citus, EngineChoice.Citus, [cluster, added with { Version = 170011 }]).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("13.2.2", "13.2")]
    [InlineData("13.1-1", "13.1")]
    [InlineData("13.3devel", "13.3")]
    public void Version_is_read_as_Citus_writes_it(string text, string expected) => CitusVersion.Parse(text).ToString().ShouldBe(expected);

    private sealed class ByContent : IEqualityComparer<RollingUpgrade>
    {
        public bool Equals(RollingUpgrade? x, RollingUpgrade? y) => x!.Extension == y!.Extension && x.Nodes.SequenceEqual(y.Nodes) && x.Notes.SequenceEqual(y.Notes);

        public int GetHashCode(RollingUpgrade obj) => 0;
    }
}
