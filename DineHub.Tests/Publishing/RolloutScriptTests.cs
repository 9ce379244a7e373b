using DineHub.Topology;

namespace DineHub.Tests.Publishing;

/// <summary><c>nix/scripts/rollout.sh</c>, with stand-ins for all that it calls.</summary>
public sealed class RolloutScriptTests
{
    [ScriptFact]
    public async Task The_schema_then_region_by_region_then_standbys_then_primaries_then_the_others()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        var run = await scene.RunAsync("rollout");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Deployed().ShouldBe(
        [
            "backend-eu-1", "backend-eu-2", "ingress-eu-1",
            "backend-us-1", "backend-us-2", "ingress-us-1",
            "db-worker-1-standby", "db-worker-2-standby", "db-worker-3-standby", "db-coordinator-standby",
            "db-worker-1", "db-worker-2", "db-worker-3", "db-coordinator",
            "headscale", "monitoring",
        ]);

        // By the new version, copied and not switched to, before any machine has it.
        scene.Log[0].ShouldStartWith("nix build ");
        scene.Log[0].ShouldEndWith("#nixosConfigurations.db-coordinator.config.system.build.toplevel");
        scene.Log[1].ShouldStartWith("nix copy ");
        scene.Log[1].ShouldEndWith("--to ssh://alex@db-coordinator.mesh.dinehub.example /nix/store/the-new-system");
        scene.Log[2].ShouldBe("ssh db-coordinator sudo /nix/store/the-new-system/sw/bin/dinehub-db migrate");
    }

    [ScriptFact]
    public async Task Each_machine_is_drained_deployed_tried_and_put_back_before_the_next()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        (await scene.RunAsync("rollout", "--region", "us-east-1")).ExitCode.ShouldBe(0);
        scene.Log[3..].Select(line => string.Join(' ', line.Split(' ').Take(line.StartsWith("deploy", StringComparison.Ordinal) ? 2 : 5))).ShouldBe(
        [
            "ssh backend-us-1 sudo systemctl stop", "deploy backend-us-1", "ssh backend-us-1 sudo systemctl start",
            "ssh backend-us-2 sudo systemctl stop", "deploy backend-us-2", "ssh backend-us-2 sudo systemctl start",
            "aws --inverted ingress-us-1", "deploy ingress-us-1", "aws --no-inverted ingress-us-1",
        ]);

        // As an ingress of its region sees it; and the ingress as customers and as Route 53 do.
        scene.Looks.ShouldContain("ready backend-us-1 from ingress-us-1");
        scene.Looks.ShouldContain("curl ingress-us-1");
        scene.Looks.ShouldContain(line => line.Contains("get-health-check-status --health-check-id check-ingress-us-1", StringComparison.Ordinal));
    }

    [ScriptFact]
    public async Task A_dry_run_changes_nothing_and_tells_what_it_would_do()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        var run = await scene.RunAsync("rollout", "--dry-run");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Log.ShouldBeEmpty();
        foreach (var node in scene.Topology.Nodes)
        {
            run.Output.ShouldContain($"#{node.Name}");
        }

        run.Output.ShouldContain("--inverted");
        run.Output.ShouldContain("systemctl\\ stop\\ dinehub-backend");
    }

    [ScriptFact]
    public async Task A_schema_that_cannot_be_brought_up_leaves_every_machine_as_it_is()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("fails-nix-build");
        (await scene.FailureAsync("rollout")).ShouldContain("Nothing was changed");
        scene.Log.Length.ShouldBe(1);
    }

    [ScriptFact]
    public async Task Where_the_coordinators_machine_is_gone_its_standby_brings_the_schema_up()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("away-db-coordinator");
        (await scene.RunAsync("rollout", "--only", "backends")).ExitCode.ShouldBe(0);
        scene.Log[2].ShouldBe("ssh db-coordinator-standby sudo /nix/store/the-new-system/sw/bin/dinehub-db migrate");
    }

    [ScriptFact]
    public async Task A_backend_whose_deployment_fails_is_back_with_its_former_system_and_ends_the_rollout()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("fails-backend-eu-2");
        (await scene.FailureAsync("rollout")).ShouldContain("backend-eu-2: the deployment failed; it is back with its former system. The rollout ends here.");
        scene.Deployed().ShouldBe(["backend-eu-1", "backend-eu-2"]);

        // deploy-rs took it back: there is nothing to switch.
        scene.Log[^3..].Select(line => line.Split(" --")[0]).ShouldBe(["ssh backend-eu-2 sudo systemctl stop dinehub-backend", "deploy backend-eu-2", "ssh backend-eu-2 sudo systemctl start dinehub-backend"]);
        scene.Looks[^1].ShouldBe("ready backend-eu-2 from ingress-eu-1");
    }

    [ScriptFact]
    public async Task A_backend_that_is_not_well_with_its_new_system_goes_back_to_the_former_one_and_ends_the_rollout()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("spoils-backend-eu-2");
        (await scene.FailureAsync("rollout")).ShouldContain("backend-eu-2: it was not well after the deployment; it is back with its former system. The rollout ends here.");
        scene.Deployed().ShouldBe(["backend-eu-1", "backend-eu-2"]);
        scene.Log[^2..].ShouldBe(
        [
            "ssh backend-eu-2 sudo nix-env --profile /nix/var/nix/profiles/system --set /nix/store/the-former-system && sudo /nix/store/the-former-system/bin/switch-to-configuration switch",
            "ssh backend-eu-2 sudo systemctl start dinehub-backend",
        ]);
        scene.Looks[^1].ShouldBe("ready backend-eu-2 from ingress-eu-1");
    }

    [ScriptFact]
    public async Task A_backend_that_is_not_well_either_way_stays_out()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("unwell-backend-eu-2");
        (await scene.FailureAsync("rollout")).ShouldContain("backend-eu-2: it was not well after the deployment ('sudo systemctl start dinehub-backend' there puts it back); it is left out");
        scene.Log.ShouldContain(line => line.StartsWith("ssh backend-eu-2 ", StringComparison.Ordinal) && line.EndsWith("switch-to-configuration switch", StringComparison.Ordinal));
        scene.Log[^1].ShouldBe("ssh backend-eu-2 sudo systemctl stop dinehub-backend");
    }

    [ScriptFact]
    public async Task A_machine_that_does_not_answer_is_not_touched()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("away-backend-eu-2");
        (await scene.FailureAsync("rollout", "--only", "backends", "--region", "eu-west-1")).ShouldContain("backend-eu-2 does not answer. It was not touched.");
        scene.Deployed().ShouldBe(["backend-eu-1"]);
        scene.Log[^1].ShouldBe("ssh backend-eu-1 sudo systemctl start dinehub-backend");
    }

    [ScriptFact]
    public async Task An_ingress_whose_deployment_fails_is_back_with_its_former_system_and_in_the_DNS()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("fails-ingress-eu-1");
        await GoesBackAsync(scene, "the deployment failed");
    }

    [ScriptFact]
    public async Task An_ingress_that_is_not_well_with_its_new_system_goes_back_to_the_former_one_and_into_the_DNS()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("spoils-ingress-eu-1");
        await GoesBackAsync(scene, "it was not well after the deployment");
    }

    [ScriptFact]
    public async Task An_ingress_that_is_not_well_either_way_stays_out_of_the_DNS()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("unwell-ingress-eu-1");
        (await scene.FailureAsync("rollout", "--only", "ingresses")).ShouldContain("ingress-eu-1: it was not well after the deployment; its health check stays inverted; it is left out");
        scene.Deployed().ShouldBe(["ingress-eu-1"]);
        scene.Is("inverted-ingress-eu-1").ShouldBeTrue();

        // Mended, it goes on.
        scene.Unset("unwell-ingress-eu-1");
        scene.Forget();
        (await scene.RunAsync("rollout", "--only", "ingresses")).ExitCode.ShouldBe(0);
        scene.Deployed().ShouldBe(["ingress-eu-1", "ingress-us-1"]);
        scene.Is("inverted-ingress-eu-1").ShouldBeFalse();
    }

    [ScriptFact]
    public async Task A_node_without_a_replacement_stays_in_service_unless_forced()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        foreach (var node in scene.Topology.Nodes.Where(node => node.Role == Role.Backend && node.Name != "backend-eu-1").Select(node => node.Name).Append("ingress-us-1"))
        {
            scene.Set("unwell-" + node);
        }

        (await scene.FailureAsync("rollout", "--only", "backends")).ShouldContain("no other backend is ready");
        (await scene.FailureAsync("rollout", "--only", "ingresses")).ShouldContain("no other ingress is healthy");
        scene.Log.ShouldNotContain(line => line.Contains("systemctl stop", StringComparison.Ordinal) || line.StartsWith("aws --inverted", StringComparison.Ordinal));

        (await scene.RunAsync("rollout", "--only", "ingresses", "--force", "--region", "eu-west-1")).ExitCode.ShouldBe(0);
        scene.Deployed().ShouldBe(["ingress-eu-1"]);
    }

    [ScriptFact]
    public async Task Another_regions_backend_can_stand_in()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("unwell-backend-eu-2");

        // It was not well before either, and now it is out.
        (await scene.FailureAsync("rollout", "--only", "backends", "--region", "eu-west-1")).ShouldContain("backend-eu-2: it was not well after the deployment ('sudo systemctl start dinehub-backend' there puts it back); it is left out");
        scene.Deployed().ShouldBe(["backend-eu-1", "backend-eu-2"]);
        scene.Log[^1].ShouldBe("ssh backend-eu-2 sudo systemctl stop dinehub-backend");
    }

    [ScriptFact]
    public async Task Who_was_promoted_is_the_primary_and_the_former_one_comes_first()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("status.json", scene.Status("db-worker-2-standby"));
        var run = await scene.RunAsync("rollout", "--only", "database");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Deployed().ShouldBe(
        [
            "db-worker-1-standby", "db-worker-2", "db-worker-3-standby", "db-coordinator-standby",
            "db-worker-1", "db-worker-2-standby", "db-worker-3", "db-coordinator",
        ]);
    }

    [ScriptFact]
    public async Task A_group_that_is_not_in_sync_is_not_touched()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("status.json", scene.Status().Replace("\"primary\":\"db-worker-2\",\"inSync\":true", "\"primary\":\"db-worker-2\",\"inSync\":false", StringComparison.Ordinal));
        (await scene.FailureAsync("rollout", "--only", "database")).ShouldContain("db-worker-2 is not in sync");
        scene.Deployed().ShouldBe(["db-worker-1-standby"]);
    }

    [ScriptFact]
    public async Task Without_the_mesh_all_goes_by_Systems_Manager()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        (await scene.RunAsync("rollout", "--only", "others", "--via", "ssm")).ExitCode.ShouldBe(0);
        scene.Log.ShouldAllBe(line => line.Contains("ProxyCommand=", StringComparison.Ordinal));
        scene.Forget();
        (await scene.RunAsync("rollout", "--only", "others")).ExitCode.ShouldBe(0);
        scene.Log.Where(line => line.Contains("ProxyCommand=", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldStartWith("deploy headscale ");
    }

    private static async Task GoesBackAsync(ScriptScene scene, string why)
    {
        (await scene.FailureAsync("rollout", "--only", "ingresses")).ShouldContain($"ingress-eu-1: {why}; it is back with its former system");
        scene.Deployed().ShouldBe(["ingress-eu-1"]);
        scene.Is("new-ingress-eu-1").ShouldBeFalse();
        scene.Is("inverted-ingress-eu-1").ShouldBeFalse();
    }
}
