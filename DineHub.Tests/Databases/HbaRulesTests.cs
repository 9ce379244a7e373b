using DineHub.AppHost.Databases;
using DineHub.Database.Roles;

namespace DineHub.Tests.Databases;

/// <summary>The table of access rules, as processes and containers read it.</summary>
public sealed class HbaRulesTests
{
    [Fact]
    public void A_process_takes_connections_from_its_machine_only() => HbaRules.ForProcess().ShouldBe(
        """
        local  all          postgres                                                    scram-sha-256
        host   all          postgres                                      127.0.0.1/32  scram-sha-256
        host   dinehub      dinehub_api,dinehub_migrator,dinehub_monitor  127.0.0.1/32  scram-sha-256
        host   dinehub      dinehub_owner,dinehub_replication             127.0.0.1/32  scram-sha-256
        host   replication  dinehub_replication                           127.0.0.1/32  scram-sha-256

        """);

    [Fact]
    public void A_container_takes_connections_from_every_address() => HbaRules.ForContainer().ShouldBe(
        """
        local  all          postgres                                           scram-sha-256
        host   all          postgres                                      all  scram-sha-256
        host   dinehub      dinehub_api,dinehub_migrator,dinehub_monitor  all  scram-sha-256
        host   dinehub      dinehub_owner,dinehub_replication             all  scram-sha-256
        host   replication  dinehub_replication                           all  scram-sha-256

        """);

    [Fact]
    public void Every_role_is_named_and_needs_its_password()
    {
        foreach (var role in DatabaseRoles.WithPassword.Select(role => role.Name).Concat([DatabaseRoles.Owner, "postgres"]))
        {
            HbaRules.All.ShouldContain(rule => rule.Users.Contains(role), role);
        }

        HbaRules.All.ShouldAllBe(rule => !rule.Users.Contains("all") && rule.Why.Length > 0);
        HbaRule.Method.ShouldBe("scram-sha-256");
    }
}
