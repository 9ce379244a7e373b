using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Tests.Ingress;
using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Configuration;
using DineHub.Topology.Ingress;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Publishing;

/// <summary>The text of nginx' configuration, and what nginx itself says of it.</summary>
public sealed class NginxConfigurationTests
{
    private const string ControlAddress = "10.99.0.1";

    private static readonly ClusterTopology Reference = TopologyConfiguration.Load(ReferenceTopology.File, []);

    private static readonly NginxSettings Plain = new()
    {
        Region = "eu-west-1",
        Backends = [new NginxBackend("backend-eu-1", "eu-west-1", "10.10.0.1", 8080)],
        CertificateFile = "/certificate.pem",
        CertificateKeyFile = "/key.pem",
        MaintenanceFile = "/maintenance",
        Version = new Version(1, 22, 1),
    };

    private static readonly Gen<IngressPolicy> Policies =
        from numbers in Gen.Choose(0, 1000).ArrayOf(25)
        select new IngressPolicy
        {
            HstsSeconds = Between(numbers[0], 0, 63_072_000),
            ConnectTimeoutMilliseconds = Between(numbers[1], 50, 60_000),
            ResponseTimeoutSeconds = Between(numbers[2], 1, 3600),
            RequestHeadersTimeoutSeconds = Between(numbers[3], 1, 120),
            RequestBodyTimeoutSeconds = Between(numbers[4], 1, 120),
            IdleTimeoutSeconds = Between(numbers[5], 1, 3600),
            DrainSeconds = Between(numbers[6], 1, 600),
            MaxBodyBytes = Between(numbers[7], 1024, 100 * 1024 * 1024),
            MaxRequestLineBytes = Between(numbers[8], 1024, 65_536),
            MaxHeaderBytes = Between(numbers[9], 4096, 262_144),
            MaxConnections = Between(numbers[10], 100, 1_000_000),
            MaxFurtherTries = Between(numbers[11], 0, 5),
            EjectAfterFailures = Between(numbers[12], 1, 100),
            EjectionSeconds = Between(numbers[13], 1, 3600),
            MaintenanceRetryAfterSeconds = Between(numbers[14], 1, 86_400),
            ClientLimit = new RateLimit(Between(numbers[15], 1, 1_000_000), Between(numbers[16], 1, 100_000)),
            SignInLimit = new RateLimit(Between(numbers[17], 1, 1_000_000), Between(numbers[18], 1, 100_000)),
            OrdersLimit = new RateLimit(Between(numbers[19], 1, 1_000_000), Between(numbers[20], 1, 100_000)),
        };

    [Theory]
    [InlineData("ingress-eu-1")]
    [InlineData("ingress-us-1")]
    public void The_ingresses_of_the_reference_deployment_get_the_committed_texts(string node) =>
        Snapshot.ShouldMatch(NginxConfiguration.Write(Reference.Ingress, SettingsOf(node)), "DineHub.Tests", "Publishing", node + ".conf");

    [NginxFact]
    public async Task Nginx_has_nothing_to_complain_of_in_the_reference_deployment()
    {
        foreach (var ingress in Reference.OfRole(Role.Ingress))
        {
            (await CheckAsync(Reference.Ingress, SettingsOf(ingress.Name))).ShouldBe("");
        }
    }

    [NginxFact]
    public async Task Nginx_has_nothing_to_complain_of_with_one_region_and_one_backend()
    {
        var topology = TopologyConfiguration.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Domain"] = "dinehub.example",
                ["Regions:0:Name"] = "eu-west-1",
                ["Regions:0:Backends"] = "1",
                ["Database:Workers:0:Region"] = "eu-west-1",
            })
            .Build());
        (await CheckAsync(topology.Ingress, NginxSettings.For(topology, topology.OfRole(Role.Ingress).Single()))).ShouldBe("");
    }

    [NginxFact]
    public async Task Nginx_complains_of_a_directive_that_there_is_not() =>
        (await NginxProcess.CheckAsync("evnets { }")).ShouldContain("unknown directive \"evnets\"");

    [NginxFact]
    public void Nginx_has_nothing_to_complain_of_whatever_the_policy_says() =>
        Check.One(
            FsCheck.Config.QuickThrowOnFailure.WithMaxTest(25),
            Prop.ForAll(
                Policies.ToArbitrary(),
                Gen.Choose(1, 4).Two().ToArbitrary(),
                (policy, backends) => CheckAsync(policy, Plain with
                {
                    Backends =
                    [
                        .. Enumerable.Range(1, backends.Item1).Select(i => new NginxBackend($"near-{i}", "eu-west-1", "::1", i)),
                        .. Enumerable.Range(1, backends.Item2 - 1).Select(i => new NginxBackend($"far-{i}", "us-east-1", "127.0.0.1", i)),
                    ],
                }).GetAwaiter().GetResult().ShouldBe("")));

    [Fact]
    public void The_same_policy_and_settings_give_the_same_text() =>
        Prop.ForAll(Policies.ToArbitrary(), policy => NginxConfiguration.Write(policy, Plain) == NginxConfiguration.Write(policy with { }, Plain with { }))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Directives_of_the_command_line_are_not_in_the_text()
    {
        var text = NginxConfiguration.Write(Reference.Ingress, SettingsOf("ingress-eu-1"));
        Regex.IsMatch(text, @"^\s*(pid|daemon|user|error_log)\s", RegexOptions.Multiline).ShouldBeFalse();
        text.ShouldStartWith("# Generated by ");
    }

    [Theory]
    [InlineData("1.22.1", "listen 0.0.0.0:443 ssl http2 default_server;", "http2 on;")]
    [InlineData("1.25.0", "listen 0.0.0.0:443 ssl http2 default_server;", "http2 on;")]
    [InlineData("1.25.1", "http2 on;", "ssl http2")]
    [InlineData("1.27.2", "server backend-eu-1.mesh:8080 max_fails=3 fail_timeout=10s; #", " resolve")]
    [InlineData("1.27.3", "server backend-eu-1.mesh:8080 max_fails=3 fail_timeout=10s resolve; #", "ssl http2")]
    public void The_text_is_one_that_the_version_understands(string version, string there, string notThere)
    {
        var text = NginxConfiguration.Write(new IngressPolicy(), Plain with
        {
            Version = Version.Parse(version),
            Backends = [new NginxBackend("backend-eu-1", "eu-west-1", "backend-eu-1.mesh", 8080)],
            Resolver = "100.100.100.100",
        });
        text.ShouldContain(there);
        text.ShouldNotContain(notThere);
    }

    [Theory]
    [InlineData("a; } evil {")]
    [InlineData("a\n")]
    [InlineData("a b")]
    [InlineData("${evil}")]
    [InlineData("")]
    public void A_setting_cannot_bring_a_directive_with_it(string text)
    {
        foreach (var (name, settings) in new Dictionary<string, NginxSettings>
        {
            ["Backends"] = Plain with { Backends = [new NginxBackend("a", "eu-west-1", text, 80)] },
            ["Backends, name"] = Plain with { Backends = [new NginxBackend(text, "eu-west-1", "a", 80)] },
            ["Backends, region"] = Plain with { Backends = [new NginxBackend("a", text, "a", 80)] },
            ["CertificateFile"] = Plain with { CertificateFile = text },
            ["CertificateKeyFile"] = Plain with { CertificateKeyFile = text },
            ["MaintenanceFile"] = Plain with { MaintenanceFile = text },
            ["AcmeRoot"] = Plain with { AcmeRoot = text },
            ["TemporaryFolder"] = Plain with { TemporaryFolder = text },
            ["AccessLog"] = Plain with { AccessLog = text },
            ["AccessLog, syslog"] = Plain with { AccessLog = $"syslog:server=unix:/{text};" },
            ["ListenAddresses"] = Plain with { ListenAddresses = [text] },
            ["ManagementAddress"] = Plain with { ManagementAddress = text },
            ["Resolver"] = Plain with { Resolver = text, Version = NginxSettings.MachineVersion },
            ["ServerNames"] = Plain with { ServerNames = [text] },
            ["Control"] = Plain with { Control = new NginxControl("control", text, 80) },
            ["Control, name"] = Plain with { Control = new NginxControl(text, "control", 80) },
        })
        {
            Should.Throw<ArgumentException>(() => NginxConfiguration.Write(new IngressPolicy(), settings), name).Message.ShouldContain(name.Split(',')[0], customMessage: name);
        }
    }

    [Theory]
    [InlineData("/a\n")]
    [InlineData("/${evil}")]
    public void A_path_has_nothing_that_nginx_cannot_hold(string path) =>
        Should.Throw<ArgumentException>(() => NginxConfiguration.Write(new IngressPolicy(), Plain with { MaintenanceFile = path })).Message.ShouldContain("MaintenanceFile");

    [NginxFact]
    public async Task A_path_may_have_spaces_quotes_and_braces() =>
        (await CheckAsync(new IngressPolicy(), Plain with { MaintenanceFile = "/o'hara \"100%\"; } evil {/\\maintenance" })).ShouldBe("");

    [Fact]
    public void Ports_are_ports_and_there_is_something_to_listen_on_and_to_pass_on_to()
    {
        foreach (var (name, settings) in new Dictionary<string, NginxSettings>
        {
            ["HttpPort"] = Plain with { HttpPort = 0 },
            ["HttpsPort"] = Plain with { HttpsPort = 65_536 },
            ["ManagementPort"] = Plain with { ManagementPort = -1 },
            ["Backends"] = Plain with { Backends = [] },
            ["ListenAddresses"] = Plain with { ListenAddresses = [] },
        })
        {
            Should.Throw<ArgumentException>(() => NginxConfiguration.Write(new IngressPolicy(), settings), name).Message.ShouldContain(name);
        }
    }

    [Fact]
    public async Task The_command_prints_the_text_of_a_node()
    {
        var (exitCode, output) = await AppHostProcess.RunAsync(["topology", "--nginx", "ingress-us-1", "--control", ControlAddress]);
        exitCode.ShouldBe(0, output);
        output.ShouldBe(NginxConfiguration.Write(Reference.Ingress, SettingsOf("ingress-us-1")));
    }

    [Theory]
    [InlineData("ingress-ap-1")]
    [InlineData("backend-eu-1")]
    public async Task The_command_names_the_ingresses_where_a_node_is_none(string node)
    {
        var (exitCode, output) = await AppHostProcess.RunAsync(["topology", "--nginx", node]);
        exitCode.ShouldBe(2);
        output.ShouldBe($"--nginx: '{node}' is not an ingress; there are ingress-eu-1, ingress-us-1{Environment.NewLine}");
    }

    private static NginxSettings SettingsOf(string node) => NginxSettings.For(
        Reference, Reference.Nodes.Single(one => one.Name == node), new NginxControl("control.dinehub.example", ControlAddress, Ports.Headscale));

    // On the nginx that is installed, without the machine's name server, certificates and ports.
    private static async Task<string> CheckAsync(IngressPolicy policy, NginxSettings settings)
    {
        using var directory = new TemporaryDirectory();
        using var certificate = TestCertificate.Create(directory.Path);
        using var ports = new PortAllocator();
        return await NginxProcess.CheckAsync(NginxConfiguration.Write(policy, settings with
        {
            Version = await NginxProcess.InstalledVersionAsync(),
            // It listens for a moment even where it only checks.
            ListenAddresses = ["127.0.0.1"],
            HttpPort = ports.Next(),
            HttpsPort = ports.Next(),
            ManagementPort = ports.Next(),
            Backends = [.. settings.Backends.Select((backend, i) => backend with { Host = string.Create(CultureInfo.InvariantCulture, $"100.64.0.{i + 1}") })],
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            TemporaryFolder = directory.Path,
            Resolver = null,
        }));
    }

    // Both ends of a range are as likely as all between them.
    private static int Between(int thousandths, int minimum, int maximum) => thousandths switch
    {
        < 250 => minimum,
        > 750 => maximum,
        _ => minimum + (int)((long)(maximum - minimum) * thousandths / 1000),
    };
}
