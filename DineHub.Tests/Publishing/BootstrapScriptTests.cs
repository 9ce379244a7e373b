using DineHub.Topology;

namespace DineHub.Tests.Publishing;

/// <summary><c>nix/scripts/bootstrap.sh</c>, with stand-ins for all that it calls.</summary>
public sealed class BootstrapScriptTests
{
    [ScriptFact]
    public async Task From_nothing_each_step_builds_on_the_one_before()
    {
        using var scene = new ScriptScene(Topologies.OneRegion with { Machines = WithOperator(Topologies.OneRegion) });
        var run = await scene.RunAsync("bootstrap", "all");
        run.ExitCode.ShouldBe(0, run.Error);
        File.ReadAllText(Path.Combine(scene.Nix, "infrastructure.json")).ShouldBe(scene.Infrastructure.ToJsonString());

        int[] order =
        [
            scene.At("terraform init"),
            scene.At("terraform apply"),
            scene.At("ssh headscale key by root"),
            scene.At("deploy headscale --skip-checks --boot"),
            scene.At("ssh headscale reboot"),
            scene.At("ssh headscale sudo headscale users create alex"),
            scene.At("ssh ingress-eu-1 key by root"),
            scene.At("deploy ingress-eu-1 --skip-checks --boot"),
            scene.At("ssh headscale sudo headscale preauthkeys create --tags tag:ingress --expiration 1h"),
            scene.At("ssh ingress-eu-1 auth-key"),
            scene.At("deploy db-coordinator --skip-checks --boot"),
            scene.At("ssh db-coordinator auth-key"),
            scene.At("ssh db-coordinator sudo dinehub-db migrate"),
            Array.FindLastIndex(scene.Log, line => line.StartsWith("deploy backend-eu-1", StringComparison.Ordinal)),
        ];
        order.ShouldBeInOrder();
        foreach (var node in scene.Topology.Nodes)
        {
            scene.Is("installed-" + node.Name).ShouldBeTrue(node.Name);
            scene.Is("mesh-" + node.Name).ShouldBe(node.Role != Role.Headscale, node.Name);
        }

        // Another tag is another role's rights.
        scene.Log.Count(line => line.Contains("--tags tag:backend ", StringComparison.Ordinal)).ShouldBe(scene.Topology.OfRole(Role.Backend).Count());
    }

    [ScriptFact]
    public async Task What_is_done_is_found_done()
    {
        using var scene = new ScriptScene(Topologies.OneRegion with { Machines = WithOperator(Topologies.OneRegion) });
        (await scene.RunAsync("bootstrap", "all")).ExitCode.ShouldBe(0);
        scene.Forget();
        var run = await scene.RunAsync("bootstrap", "all");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Log.ShouldNotContain(line => line.Contains("preauthkeys", StringComparison.Ordinal) || line.Contains("auth-key", StringComparison.Ordinal));
        scene.Log.ShouldNotContain(line => line.Contains("users create", StringComparison.Ordinal));
        scene.Log.ShouldNotContain(line => line.Contains("--boot", StringComparison.Ordinal) || line.Contains("reboot", StringComparison.Ordinal));
        scene.Log.ShouldNotContain(line => line.Contains("key by root", StringComparison.Ordinal) || line.Contains("--ssh-user root", StringComparison.Ordinal));
        scene.Deployed().Distinct().ShouldBe(scene.Topology.Nodes.Select(node => node.Name), ignoreOrder: true);
    }

    [ScriptFact]
    public async Task Keys_come_by_standard_input_and_stand_in_no_argument_and_on_no_disk()
    {
        using var scene = new ScriptScene(Topologies.OneRegion with { Machines = WithOperator(Topologies.OneRegion) });
        var run = await scene.RunAsync("bootstrap", "all");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Received.ShouldContain("THE-AUTH-KEY");
        foreach (var node in scene.Topology.Nodes)
        {
            scene.Received.ShouldContain("KEY-OF-" + node.Name);
        }

        foreach (var text in scene.Log.Concat(scene.Looks).Append(run.Output).Append(run.Error).Concat(Directory.EnumerateFiles(scene.Nix, "*", SearchOption.AllDirectories).Select(File.ReadAllText)))
        {
            text.ShouldNotContain("THE-AUTH-KEY");
            text.ShouldNotContain("KEY-OF-");
        }
    }

    [ScriptFact]
    public async Task A_dry_run_changes_nothing_and_tells_what_it_would_do()
    {
        using var scene = new ScriptScene(Topologies.Reference);
        var before = Files(scene);
        var run = await scene.RunAsync("bootstrap", "--dry-run", "all");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Log.ShouldBeEmpty();
        Files(scene).ShouldBe(before);
        run.Output.ShouldContain("apply");
        run.Output.ShouldContain("preauthkeys");
        run.Output.ShouldContain("dinehub-db\\ migrate");
        foreach (var node in scene.Topology.Nodes)
        {
            run.Output.ShouldContain($"#{node.Name}");
        }
    }

    [ScriptFact]
    public async Task A_replaced_machine_gets_its_name_and_no_other_machine_changes()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Unset("installed-backend-eu-1");
        scene.Unset("mesh-backend-eu-1");
        scene.Set("nodes.json", """
            [ { "id": 7, "name": "backend-eu-1", "given_name": "backend-eu-1" },
              { "id": 8, "name": "backend-eu-2", "given_name": "backend-eu-2" },
              { "id": 9, "name": "backend-eu-1", "given_name": "backend-eu-1-x7k2" } ]
            """);
        var run = await scene.RunAsync("bootstrap", "--node", "backend-eu-1", "enrol", "backends");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Log.Where(line => line.Contains("nodes delete", StringComparison.Ordinal)).ShouldBe(
            ["ssh headscale sudo headscale nodes delete --identifier 7 --force", "ssh headscale sudo headscale nodes delete --identifier 9 --force"]);
        scene.At("ssh headscale sudo headscale nodes delete").ShouldBeLessThan(scene.At("ssh headscale sudo headscale preauthkeys create --tags tag:backend"));
        scene.Deployed().Distinct().ShouldBe(["backend-eu-1"]);
        scene.Is("mesh-backend-eu-1").ShouldBeTrue();
    }

    [ScriptFact]
    public async Task A_machine_that_is_on_the_mesh_stays_known()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("nodes.json", """[ { "id": 7, "name": "backend-eu-1", "given_name": "backend-eu-1" } ]""");
        var run = await scene.RunAsync("bootstrap", "--node", "backend-eu-1", "enrol");
        run.ExitCode.ShouldBe(0, run.Error);
        scene.Log.ShouldNotContain(line => line.Contains("nodes delete", StringComparison.Ordinal));
    }

    [ScriptFact]
    public async Task A_machine_that_does_not_answer_ends_it_before_anything_is_done_to_it()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("away-backend-eu-1");
        var error = await scene.FailureAsync("bootstrap", "enrol");
        error.ShouldContain("backend-eu-1");
        error.ShouldContain("ssh-keygen -R backend-eu-1.mesh.dinehub.example");
        scene.Log.ShouldNotContain(line => line.Contains("backend-eu-1", StringComparison.Ordinal));
    }

    [ScriptFact]
    public async Task Terraform_that_lacks_a_machine_leaves_what_is_known()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        var file = Path.Combine(scene.Nix, "infrastructure.json");
        var before = File.ReadAllText(file);
        scene.Infrastructure.Remove("backend-us-2");
        scene.Set("infrastructure.json", scene.Infrastructure.ToJsonString());
        (await scene.FailureAsync("bootstrap", "terraform")).ShouldContain("backend-us-2");
        File.ReadAllText(file).ShouldBe(before);
    }

    [ScriptFact]
    public async Task A_database_that_is_not_whole_ends_the_step()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        scene.Set("status.json", scene.Status().Replace("\"inSync\":true", "\"inSync\":false", StringComparison.Ordinal));
        (await scene.FailureAsync("bootstrap", "database", "backends")).ShouldContain("The database is not whole");
        scene.Deployed().ShouldNotContain("backend-eu-1");
    }

    [ScriptFact]
    public async Task The_check_of_the_DNS_fails_where_a_customer_would()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        (await scene.RunAsync("bootstrap", "dns-check")).ExitCode.ShouldBe(0);
        scene.Set("unwell-ingress-us-1");
        var error = await scene.FailureAsync("bootstrap", "dns-check");
        error.ShouldContain("ingress-us-1: does not serve");
        error.ShouldContain("ingress-eu-1: serves");
        scene.Log.ShouldBeEmpty();
    }

    private static MachineSettings WithOperator(ClusterTopology topology) => topology.Machines with { Operators = Topologies.Reference.Machines.Operators };

    private static string[] Files(ScriptScene scene) => [.. Directory.EnumerateFiles(scene.Nix, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => file + File.ReadAllText(file))];
}
