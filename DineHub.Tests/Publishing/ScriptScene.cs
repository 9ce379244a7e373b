using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing;
using DineHub.Tests.Contract;
using DineHub.Topology;

namespace DineHub.Tests.Publishing;

/// <summary>
/// The scripts of <c>nix/scripts</c> with a deployment to work on, and with <c>stand-in.sh</c> in the place of every program that reaches out of this machine.
/// </summary>
internal sealed class ScriptScene : IDisposable
{
    private static readonly string[] Programs = ["age", "aws", "curl", "deploy", "dig", "nix", "ssh", "terraform"];

    private readonly TemporaryDirectory directory = new();
    private readonly string bin;
    private readonly string state;

    /// <summary>Makes a deployment of which nothing is there yet.</summary>
    public ScriptScene(ClusterTopology topology)
    {
        Topology = topology;
        bin = Directory.CreateDirectory(Path.Combine(directory.Path, "bin")).FullName;
        state = Directory.CreateDirectory(Path.Combine(directory.Path, "state")).FullName;
        foreach (var program in Programs)
        {
            File.CreateSymbolicLink(Path.Combine(bin, program), ContractDocument.FileOf("DineHub.Tests", "Publishing", "stand-in.sh"));
        }

        Write(Path.Combine(Nix, TopologyFile.Path), TopologyFile.Write(topology).Content);
        foreach (var node in topology.Nodes)
        {
            Write(Path.Combine(Nix, "secrets", "keys", node.Name + ".age"), "encrypted");
        }

        Infrastructure = new JsonObject(topology.Nodes.Select((node, i) => KeyValuePair.Create<string, JsonNode?>(node.Name, new JsonObject
        {
            ["instanceId"] = $"i-{i:x8}",
            ["publicAddress"] = node.Role == Role.Ingress ? $"203.0.113.{i + 1}" : null,
        })));
        Write(Path.Combine(state, "infrastructure.json"), Infrastructure.ToJsonString());
        Set("status.json", Status());
    }

    /// <summary>The deployment.</summary>
    public ClusterTopology Topology { get; }

    /// <summary>The folder that is published to.</summary>
    public string Nix => Path.Combine(directory.Path, "nix");

    /// <summary>What Terraform says of the machines.</summary>
    public JsonObject Infrastructure { get; }

    /// <summary>What programs were asked that changes something, in this order.</summary>
    public string[] Log => Read("log");

    /// <summary>The same of what only looks.</summary>
    public string[] Looks => Read("looks");

    /// <summary>What machines were given by standard input.</summary>
    public string[] Received => Read("received");

    /// <summary>A deployment that is there and works.</summary>
    public static ScriptScene Working(ClusterTopology topology)
    {
        var scene = new ScriptScene(topology);
        Write(Path.Combine(scene.Nix, "infrastructure.json"), scene.Infrastructure.ToJsonString());
        foreach (var node in topology.Nodes)
        {
            scene.Set("installed-" + node.Name);
            scene.Set("mesh-" + node.Name);
        }

        return scene;
    }

    /// <summary>What a database says of itself that is whole, where these servers have been promoted.</summary>
    public string Status(params string[] promoted)
    {
        var servers = Topology.Nodes.Where(node => node.Role is Role.Coordinator or Role.Worker or Role.Standby).ToList();
        bool IsPrimary(Node node) => node.Follows is null ? !promoted.Contains(node.Name + "-standby") : promoted.Contains(node.Name);
        return new JsonObject
        {
            ["nodes"] = new JsonArray([.. servers.Select(node => new JsonObject
            {
                ["node"] = new JsonObject { ["name"] = node.Name },
                ["state"] = IsPrimary(node) ? "Primary" : "Standby",
            })]),
            ["replication"] = new JsonArray([.. servers.Where(node => node.Follows is not null).Select(node => new JsonObject
            {
                ["group"] = node.Follows,
                ["primary"] = IsPrimary(node) ? node.Name : node.Follows,
                ["inSync"] = true,
            })]),
        }.ToJsonString();
    }

    /// <summary>Makes something so for the stand-ins; <c>stand-in.sh</c> says what there is.</summary>
    public void Set(string fact, string content = "") => Write(Path.Combine(state, fact), content);

    /// <summary>Makes it otherwise.</summary>
    public void Unset(string fact) => File.Delete(Path.Combine(state, fact));

    /// <summary>Whether something is so.</summary>
    public bool Is(string fact) => File.Exists(Path.Combine(state, fact));

    /// <summary>Forgets what was asked so far.</summary>
    public void Forget()
    {
        Unset("log");
        Unset("looks");
    }

    /// <summary>Runs a script as the operator "alex".</summary>
    public Task<ProgramRun> RunAsync(string script, params string[] arguments) => RunAsync(script, [], arguments);

    /// <summary>Runs a script as the operator "alex", with more environment.</summary>
    public Task<ProgramRun> RunAsync(string script, (string, string)[] environment, string[] arguments) => ProgramRun.OfAsync(
        "bash",
        [ContractDocument.FileOf("nix", "scripts", script + ".sh"), .. arguments],
        "",
        directory.Path,
        [
            ("PATH", $"{bin}:{Environment.GetEnvironmentVariable("PATH")}"),
            ("STAND_IN", state),
            ("DINEHUB_NIX", Nix),
            ("DINEHUB_OPERATOR", "alex"),
            ("DINEHUB_TERRAFORM", "terraform"),
            ("DINEHUB_POLL_SECONDS", "0.1"),
            ("DINEHUB_WAIT_SECONDS", "2"),
            ("DINEHUB_DRAIN_SECONDS", "0"),
            .. environment,
        ]);

    /// <summary>Runs a script that is to end with 1.</summary>
    /// <returns>What it said of it.</returns>
    public async Task<string> FailureAsync(string script, params string[] arguments)
    {
        var run = await RunAsync(script, arguments);
        run.ExitCode.ShouldBe(1, run.Error);
        return run.Error;
    }

    /// <summary>Where in <see cref="Log"/> the first line is that begins so.</summary>
    public int At(string beginning)
    {
        var at = Array.FindIndex(Log, line => line.StartsWith(beginning, StringComparison.Ordinal));
        at.ShouldBeGreaterThanOrEqualTo(0, $"'{beginning}' is not in:\n{string.Join('\n', Log)}");
        return at;
    }

    /// <summary>The names of the machines that were deployed to, in this order.</summary>
    public IEnumerable<string> Deployed() => Log.Where(line => line.StartsWith("deploy ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]);

    public void Dispose() => directory.Dispose();

    private static void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    private string[] Read(string name) => Is(name) ? File.ReadAllLines(Path.Combine(state, name)) : [];
}
