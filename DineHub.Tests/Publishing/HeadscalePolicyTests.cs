using DineHub.AppHost.Publishing;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.Topology;
using DineHub.Topology.Access;

namespace DineHub.Tests.Publishing;

/// <summary>Who can talk to whom on the mesh.</summary>
public sealed class HeadscalePolicyTests
{
    private static readonly int[] AllPorts =
    [
        .. typeof(Ports).GetFields().Select(field => (int)field.GetRawConstantValue()!),
        1, 23, 8081, 65535,
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Exactly_the_pairs_and_ports_of_the_table_can_talk(bool votes)
    {
        var topology = votes ? Topologies.Voting : Topologies.Reference;
        var policy = new PolicyEvaluator(HeadscalePolicy.Write(topology).Content);
        List<Node> mesh = [.. topology.Nodes.Where(node => node.Role != Role.Headscale)];
        var allowed = 0;
        foreach (var from in mesh)
        {
            foreach (var to in mesh)
            {
                foreach (var port in AllPorts)
                {
                    foreach (var transport in Enum.GetValues<Transport>())
                    {
                        var isAllowed = AccessPolicy.Allows(topology, AccessPolicy.PartyOf(from.Role), AccessPolicy.PartyOf(to.Role), port, transport);
                        policy.Allows(RoleName.TagOf(from.Role), RoleName.TagOf(to.Role), port, transport).ShouldBe(isAllowed, $"{from.Name} to {to.Name}, {port} {transport}");
                        allowed += isAllowed ? 1 : 0;
                    }
                }
            }
        }

        allowed.ShouldBeGreaterThan(mesh.Count);
    }

    [Fact]
    public void Databases_reach_no_backend_and_ingresses_no_database()
    {
        var policy = new PolicyEvaluator(HeadscalePolicy.Write(Topologies.Reference).Content);
        foreach (var port in AllPorts)
        {
            foreach (var data in new[] { "tag:coordinator", "tag:worker", "tag:standby" })
            {
                policy.Allows(data, "tag:backend", port, Transport.Tcp).ShouldBeFalse();
                policy.Allows("tag:ingress", data, port, Transport.Tcp).ShouldBeFalse();
            }
        }
    }

    [Fact]
    public void Operators_sign_in_everywhere_and_strangers_nowhere()
    {
        var policy = new PolicyEvaluator(HeadscalePolicy.Write(Topologies.Reference).Content);
        foreach (var role in Enum.GetValues<Role>().Where(role => role != Role.Headscale))
        {
            policy.Allows("alex@", RoleName.TagOf(role), Ports.Ssh, Transport.Tcp).ShouldBeTrue();
            policy.Allows("eve@", RoleName.TagOf(role), Ports.Ssh, Transport.Tcp).ShouldBeFalse();
        }

        policy.Allows("alex@", "tag:coordinator", Ports.Postgres, Transport.Tcp).ShouldBeFalse();
    }

    [Fact]
    public void Without_operators_the_rules_of_machines_are_there_still()
    {
        var policy = new PolicyEvaluator(HeadscalePolicy.Write(Topologies.OneRegion).Content);
        policy.Allows("tag:ingress", "tag:backend", Ports.Backend, Transport.Tcp).ShouldBeTrue();
        policy.Allows("tag:ingress", "tag:backend", Ports.Ssh, Transport.Tcp).ShouldBeFalse();
    }

    [Fact]
    public void A_policy_that_says_nothing_would_allow_everything_and_an_empty_list_nothing()
    {
        new PolicyEvaluator("// nothing\n{ }").Allows("tag:worker", "tag:backend", 22, Transport.Tcp).ShouldBeTrue();
        new PolicyEvaluator("""{ "acls": [] }""").Allows("tag:worker", "tag:backend", 22, Transport.Tcp).ShouldBeFalse();
    }
}
