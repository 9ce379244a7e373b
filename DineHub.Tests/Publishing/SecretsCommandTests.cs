using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing;
using DineHub.AppHost.Publishing.Secrets;
using DineHub.Tests.Processes;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace DineHub.Tests.Publishing;

/// <summary>
/// <c>secrets</c> as an operator types it, with the real age and wg. sops is not in Debian: a stand-in of a few lines takes its arguments and "encrypts" by Base64, which shows
/// what it is given, and that nothing secret comes any other way. Where sops is installed, the last test runs with the real one.
/// </summary>
public sealed class SecretsCommandTests : IDisposable
{
    private const string StandIn = """
        #!/bin/sh
        echo "$@" >> "$DINEHUB_SOPS_LOG"
        for last; do :; done
        case "$1" in
          --encrypt)
            test "$7" != "secrets/$DINEHUB_SOPS_FAIL.yaml" || { echo 'no space left' >&2; exit 1; }
            echo 'sops:'
            grep -F -A1 "/)${7%.yaml}\\.yaml\$" .sops.yaml | sed -n 's/.*age: //p' | tr ',' '\n' | sed 's/.*/  - recipient: &/'
            base64 -w0
            echo
            ;;
          --decrypt) tail -n 1 "$last" | base64 -d ;;
          *) exit 2 ;;
        esac
        """;

    private static readonly (string, string)[] Programs = [("age", "age"), ("wg", "wireguard-tools")];

    private readonly TemporaryDirectory directory = new();
    private readonly string identity;

    public SecretsCommandTests() => identity = Path.Combine(directory.Path, "operator.txt");

    private string Output => Path.Combine(directory.Path, "nix");

    private string Log => Path.Combine(directory.Path, "sops.log");

    [SecretsFact]
    public async Task Init_makes_what_is_missing_once_and_each_host_can_read_its_own()
    {
        var settings = await SettingsAsync();
        var (exitCode, output) = await SecretsAsync(settings, "init");
        exitCode.ShouldBe(0, output);
        output.ShouldContain("secrets set alertmanager/webhook-url");
        var topology = Topology(settings);
        var values = topology.Nodes.ToDictionary(node => node.Name, ReadStandIn);
        foreach (var node in topology.Nodes)
        {
            values[node.Name].Keys.ShouldBe(SecretCatalog.NamesOf(topology, node).Where(name => name != SecretName.AlertWebhook), ignoreOrder: true, node.Name);
        }

        // One value wherever a name is; keys of WireGuard fit.
        values["backend-eu-1"][SecretName.ApiPassword].ShouldBe(values["db-coordinator"][SecretName.ApiPassword]);
        values["backend-eu-1"][SecretName.ApiPassword].ShouldNotBe(values["backend-eu-1"][SecretName.OperatorKey]);
        values["backend-eu-1"][SecretName.OperatorKey].Length.ShouldBeGreaterThanOrEqualTo(32);
        Convert.FromBase64String(values["backend-eu-1"][SecretName.DataProtectionKey]).Length.ShouldBe(32);
        var publicKey = await ProgramRun.OfAsync("wg", ["pubkey"], values["ingress-eu-1"][SecretName.WireGuardPrivateKey]);
        values["headscale"][SecretName.PublicKeyOf("ingress-eu-1")].ShouldBe(publicKey.Output.Trim());

        // The host's key opens with the operator's, and is the one that its secrets are encrypted to.
        var key = await ProgramRun.OfAsync("age", ["--decrypt", "--identity", identity, Path.Combine(Output, "secrets/keys/backend-eu-1.age")]);
        key.ExitCode.ShouldBe(0, key.Error);
        var recipient = (await ProgramRun.OfAsync("age-keygen", ["-y"], key.Output)).Output.Trim();
        File.ReadAllText(Path.Combine(Output, ".sops.yaml")).ShouldContain($"(^|/)secrets/backend-eu-1\\.yaml$\n    age: {OperatorOf(settings)},{recipient}\n");
        Recipients.Read(Output)!.Hosts["backend-eu-1"].ShouldBe(recipient);

        // No secret was an argument, and none is on the disk as it is.
        var said = File.ReadAllText(Log) + string.Concat(Files().Where(file => !file.EndsWith(".yaml", StringComparison.Ordinal)).Select(File.ReadAllText));
        foreach (var secret in values.Values.SelectMany(host => host).Where(pair => !pair.Key.EndsWith("public-key", StringComparison.Ordinal)))
        {
            said.ShouldNotContain(secret.Value, customMessage: secret.Key);
        }

        said.ShouldNotContain("AGE-SECRET-KEY");

        (exitCode, output) = await SecretsAsync(settings, "init");
        exitCode.ShouldBe(0, output);
        output.ShouldContain("No secret is missing.");
        (await SecretsAsync(settings, "list")).Output.ShouldContain("Each host has a file of secrets.");
        foreach (var node in topology.Nodes)
        {
            ReadStandIn(node).ShouldBe(values[node.Name]);
        }
    }

    [SecretsFact]
    public async Task A_host_that_is_added_gets_what_others_have_and_a_key_of_its_own()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "init")).ExitCode.ShouldBe(0);
        var before = ReadStandIn("backend-eu-1");
        var (exitCode, output) = await SecretsAsync([.. settings, "--set", "Regions:0:Backends=2"], "init");
        exitCode.ShouldBe(0, output);
        output.ShouldContain("Written: backend-eu-2.");
        ReadStandIn("backend-eu-2").ShouldBe(before);
        var hosts = Recipients.Read(Output)!.Hosts;
        hosts["backend-eu-2"].ShouldNotBe(hosts["backend-eu-1"]);
    }

    [SecretsFact]
    public async Task Rotating_changes_one_secret_wherever_it_is_and_nothing_else()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "init")).ExitCode.ShouldBe(0);
        var (backend, coordinator) = (ReadStandIn("backend-eu-1"), ReadStandIn("db-coordinator"));
        var (exitCode, output) = await SecretsAsync(settings, "rotate", SecretName.ApiPassword);
        exitCode.ShouldBe(0, output);
        output.ShouldContain("backend-eu-1, db-coordinator");
        var rotated = ReadStandIn("backend-eu-1");
        rotated[SecretName.ApiPassword].ShouldNotBe(backend[SecretName.ApiPassword]);
        rotated[SecretName.OperatorKey].ShouldBe(backend[SecretName.OperatorKey]);
        ReadStandIn("db-coordinator")[SecretName.ApiPassword].ShouldBe(rotated[SecretName.ApiPassword]);
        ReadStandIn("db-coordinator")[SecretName.SuperuserPassword].ShouldBe(coordinator[SecretName.SuperuserPassword]);

        var headscale = ReadStandIn("headscale");
        (exitCode, output) = await SecretsAsync(settings, "rotate", SecretName.WireGuardPrivateKey, "--host", "ingress-eu-1");
        exitCode.ShouldBe(0, output);
        output.ShouldContain("Written: ingress-eu-1, headscale.");
        ReadStandIn("headscale")[SecretName.WireGuardPrivateKey].ShouldBe(headscale[SecretName.WireGuardPrivateKey]);
        ReadStandIn("headscale")[SecretName.PublicKeyOf("ingress-eu-1")].ShouldNotBe(headscale[SecretName.PublicKeyOf("ingress-eu-1")]);
    }

    [SecretsFact]
    public async Task What_only_an_operator_knows_is_read_from_standard_input()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "init")).ExitCode.ShouldBe(0);
        (await SetAsync(settings, SecretName.AlertWebhook, "https://hooks.example/x\n")).ExitCode.ShouldBe(0);
        ReadStandIn("monitoring")[SecretName.AlertWebhook].ShouldBe("https://hooks.example/x");
        var nothing = await SetAsync(settings, SecretName.AlertWebhook, "\n");
        nothing.ExitCode.ShouldBe(1);
        nothing.Error.ShouldContain("standard input");
    }

    [SecretsFact]
    public async Task An_operator_who_joins_can_read_everything_afterwards()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "init")).ExitCode.ShouldBe(0);
        var before = ReadStandIn("backend-eu-1");
        var other = await NewIdentityAsync(Path.Combine(directory.Path, "other.txt"));
        string[] both = [.. settings, "--set", "Operators:1:Name=kim", "--set", "Operators:1:SshKey=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA kim", "--set", $"Operators:1:AgeRecipient={other}"];
        var (exitCode, output) = await SecretsAsync(both, "init");
        exitCode.ShouldBe(0, output);
        ReadStandIn("backend-eu-1").ShouldBe(before);
        var key = await ProgramRun.OfAsync("age", ["--decrypt", "--identity", Path.Combine(directory.Path, "other.txt"), Path.Combine(Output, "secrets/keys/backend-eu-1.age")]);
        key.ExitCode.ShouldBe(0, key.Error);
        File.ReadAllText(Path.Combine(Output, ".sops.yaml")).ShouldContain($"age: {OperatorOf(settings)},{other},");
    }

    [SecretsFact]
    public async Task After_an_interruption_init_ends_what_it_began()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "init")).ExitCode.ShouldBe(0);
        var before = ReadStandIn("headscale");
        File.Delete(Path.Combine(Output, "secrets", "keys", "backend-eu-1.age"));
        File.Delete(Path.Combine(Output, "secrets", "keys", "headscale.age"));

        var (exitCode, output) = await AppHostProcess.RunAsync(
            ["secrets", "init", "--output", Output, .. settings], [.. Environment(isReal: false), ("DINEHUB_SOPS_FAIL", "headscale")]);
        exitCode.ShouldBe(1, output);
        output.ShouldContain("no space left");

        (exitCode, output) = await SecretsAsync(settings, "init");
        exitCode.ShouldBe(0, output);
        output.ShouldContain("Written: headscale.");
        ReadStandIn("headscale").ShouldBe(before);
        foreach (var host in new[] { "backend-eu-1", "headscale" })
        {
            var key = await ProgramRun.OfAsync("age", ["--decrypt", "--identity", identity, Path.Combine(Output, $"secrets/keys/{host}.age")]);
            var recipient = (await ProgramRun.OfAsync("age-keygen", ["-y"], key.Output)).Output.Trim();
            File.ReadAllText(Path.Combine(Output, "secrets", host + ".yaml")).ShouldContain($"recipient: {recipient}\n", customMessage: host);
        }
    }

    [SecretsFact]
    public async Task Mistakes_are_named()
    {
        var settings = await SettingsAsync();
        (await SecretsAsync(settings, "rotate", "database/nonsense")).Output.ShouldContain("database/api-password");
        (await SecretsAsync(settings, "rotate", SecretName.AlertWebhook)).Output.ShouldContain("secrets set alertmanager/webhook-url");
        (await SecretsAsync(settings, "rotate", SecretName.WireGuardPrivateKey)).Output.ShouldContain("--host: must be ingress-eu-1, headscale");
        (await SecretsAsync(settings, "rotate", SecretName.ApiPassword, "--host", "backend-eu-1")).Output.ShouldContain("the same on every host");
        (await SecretsAsync([.. settings, "--set", "Operators:0:AgeRecipient="], "init")).Output.ShouldContain("age-keygen");
    }

    [Fact]
    public async Task Without_the_tools_they_are_named_with_the_commands_that_install_them()
    {
        var (exitCode, output) = await AppHostProcess.RunAsync(["secrets", "init", "--output", Output], ("PATH", "/nowhere"));
        exitCode.ShouldBe(1, output);
        output.ShouldContain("sops, age, age-keygen, wg: not installed");
        output.ShouldContain("sudo apt-get install age");
        output.ShouldContain("sudo apt-get install wireguard-tools");
    }

    [RequiresProgramFact("sops", "sops (not in Debian 12: github.com/getsops/sops/releases)")]
    public async Task With_the_real_sops_a_secret_is_read_back()
    {
        var settings = await SettingsAsync();
        var (exitCode, output) = await SecretsAsync(settings, isReal: true, "init");
        exitCode.ShouldBe(0, output);
        var read = await ProgramRun.OfAsync("sops", ["--decrypt", "--extract", "[\"database\"][\"api-password\"]", Path.Combine(Output, "secrets/backend-eu-1.yaml")], "", Output, ("SOPS_AGE_KEY_FILE", identity));
        read.ExitCode.ShouldBe(0, read.Error);
        read.Output.Trim().Length.ShouldBe(32);
    }

    public void Dispose() => directory.Dispose();

    private static ClusterTopology Topology(string[] settings) => TopologyConfiguration.Load(
        settings[1], settings[2..].Chunk(2).Select(pair => pair[1].Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])));

    private static string OperatorOf(string[] settings) => settings.Single(text => text.StartsWith("Operators:0:AgeRecipient=", StringComparison.Ordinal)).Split('=')[1];

    private static async Task<string> NewIdentityAsync(string file)
    {
        var key = await ProgramRun.OfAsync("age-keygen", []);
        await File.WriteAllTextAsync(file, key.Output);
        return (await ProgramRun.OfAsync("age-keygen", ["-y"], key.Output)).Output.Trim();
    }

    private async Task<string[]> SettingsAsync()
    {
        var file = Path.Combine(directory.Path, "topology.json");
        await File.WriteAllTextAsync(file, """
            {
              "Domain": "bistro.example",
              "Regions": [ { "Name": "eu-west-1", "Backends": 1 } ],
              "Database": { "Workers": [ { "Region": "eu-west-1" } ], "Standbys": false }
            }
            """);
        return
        [
            "--topology", file,
            "--set", "Operators:0:Name=alex",
            "--set", "Operators:0:SshKey=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA alex",
            "--set", $"Operators:0:AgeRecipient={await NewIdentityAsync(identity)}",
        ];
    }

    private Task<(int ExitCode, string Output)> SecretsAsync(string[] settings, params string[] arguments) => SecretsAsync(settings, isReal: false, arguments);

    private Task<(int ExitCode, string Output)> SecretsAsync(string[] settings, bool isReal, params string[] arguments) =>
        AppHostProcess.RunAsync(["secrets", .. arguments, "--output", Output, .. settings], Environment(isReal));

    private Task<ProgramRun> SetAsync(string[] settings, string name, string value) =>
        ProgramRun.OfAsync("dotnet", ["exec", typeof(Publisher).Assembly.Location, "secrets", "set", name, "--output", Output, .. settings], value, null, Environment(isReal: false));

    private (string, string)[] Environment(bool isReal)
    {
        var path = System.Environment.GetEnvironmentVariable("PATH")!;
        if (!isReal)
        {
            var bin = Directory.CreateDirectory(Path.Combine(directory.Path, "bin")).FullName;
            var sops = Path.Combine(bin, "sops");
            if (!File.Exists(sops))
            {
                File.WriteAllText(sops, StandIn);
                File.SetUnixFileMode(sops, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            path = $"{bin}:{path}";
        }

        return [("PATH", path), ("DINEHUB_SOPS_LOG", Log), ("SOPS_AGE_KEY_FILE", identity)];
    }

    private Dictionary<string, string> ReadStandIn(Node node) => ReadStandIn(node.Name);

    private Dictionary<string, string> ReadStandIn(string node)
    {
        var text = File.ReadLines(Path.Combine(Output, "secrets", node + ".yaml")).Last();
        return JsonNode.Parse(Convert.FromBase64String(text))!.AsObject()
            .SelectMany(section => section.Value!.AsObject().Select(pair => (Name: $"{section.Key}/{pair.Key}", Value: pair.Value!.GetValue<string>())))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
    }

    private IEnumerable<string> Files() => Directory.EnumerateFiles(Output, "*", SearchOption.AllDirectories);

    /// <summary>A fact that needs the programs that are in Debian.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SecretsFactAttribute : FactAttribute
    {
        public SecretsFactAttribute() => Skip = Programs.Where(program => ProcessLauncher.FindProgram(program.Item1) is null)
            .Select(program => $"{program.Item1} is not installed: apt-get install {program.Item2}")
            .FirstOrDefault();
    }
}
