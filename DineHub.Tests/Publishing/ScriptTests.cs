using DineHub.Tests.Contract;

namespace DineHub.Tests.Publishing;

/// <summary>The scripts as they are on the disk.</summary>
public sealed class ScriptTests
{
    private static string Folder { get; } = ContractDocument.FileOf("nix", "scripts");

    [Fact]
    public async Task Bash_parses_each_script()
    {
        string[] scripts = [.. Directory.EnumerateFiles(Folder, "*.sh")];
        scripts.ShouldNotBeEmpty();
        foreach (var script in scripts)
        {
            var run = await ProgramRun.OfAsync("bash", ["-n", script]);
            (run.ExitCode, run.Error).ShouldBe((0, ""), script);
        }
    }

    [RequiresProgramFact("shellcheck", "shellcheck")]
    public async Task Shellcheck_has_nothing_to_say()
    {
        var run = await ProgramRun.OfAsync(
            "shellcheck",
            ["--external-sources", .. Directory.EnumerateFiles(Folder, "*.sh"), ContractDocument.FileOf("DineHub.Tests", "Publishing", "stand-in.sh")],
            folder: Folder);
        run.ExitCode.ShouldBe(0, run.Output);
    }

    [ScriptFact]
    public async Task The_proxy_goes_to_the_instance_of_the_node_in_its_region()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        (await scene.RunAsync("ssm-proxy", "backend-us-1")).ExitCode.ShouldBe(0);
        var instance = (string?)scene.Infrastructure["backend-us-1"]!["instanceId"];
        scene.Log.ShouldBe([$"aws ssm start-session --region us-east-1 --target {instance} --document-name AWS-StartSSHSession --parameters portNumber=22"]);

        // deploy-rs can give it no argument.
        scene.Forget();
        (await scene.RunAsync("ssm-proxy", [("DINEHUB_NODE", "db-worker-1")], [])).ExitCode.ShouldBe(0);
        scene.Log.Single().ShouldContain($"--target {(string?)scene.Infrastructure["db-worker-1"]!["instanceId"]} ");
        scene.Forget();
        (await scene.RunAsync("ssm-proxy")).ExitCode.ShouldBe(0);
        scene.Log.Single().ShouldContain($"--target {(string?)scene.Infrastructure["headscale"]!["instanceId"]} ");
    }

    [ScriptFact]
    public async Task Where_no_instance_is_known_the_proxy_asks_for_the_one_that_runs_by_that_name()
    {
        using var scene = new ScriptScene(Topologies.Reference);
        (await scene.RunAsync("ssm-proxy", [("STAND_IN_INSTANCES", "i-0abc")], ["backend-us-1"])).ExitCode.ShouldBe(0);
        scene.Log.Single().ShouldContain("--target i-0abc ");

        scene.Forget();
        foreach (var found in new[] { "", "i-0abc\ti-0def" })
        {
            var run = await scene.RunAsync("ssm-proxy", [("STAND_IN_INSTANCES", found)], ["backend-us-1"]);
            run.ExitCode.ShouldBe(1);
            run.Error.ShouldContain("not one running instance");
        }

        scene.Log.ShouldBeEmpty();
    }

    [ScriptFact]
    public async Task Mistakes_in_the_arguments_are_told_before_anything_is_done()
    {
        using var scene = ScriptScene.Working(Topologies.Reference);
        foreach (var (script, arguments, exitCode, complaint) in new[]
        {
            ("bootstrap", (string[])[], 2, "STEP"),
            ("bootstrap", ["backend"], 2, "STEP"),
            ("bootstrap", ["--node", "backend-eu-9", "enrol"], 1, "backend-eu-9"),
            ("rollout", ["--only", "everything"], 2, "--only KIND"),
            ("rollout", ["--region", "mars"], 1, "mars"),
            ("rollout", ["--via", "telnet"], 2, "--via WAY"),
        })
        {
            var run = await scene.RunAsync(script, arguments);
            run.ExitCode.ShouldBe(exitCode, string.Join(' ', arguments));
            run.Error.ShouldContain(complaint);
        }

        scene.Log.ShouldBeEmpty();
    }
}
