using DineHub.AppHost.Publishing.Nginx;
using DineHub.AppHost.Topology;
using DineHub.Ingress;
using DineHub.Tests.Ingress;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Publishing;

/// <summary>The text of nginx' configuration, and what nginx itself says of it.</summary>
public sealed class NginxConfigurationTests
{
    [RequiresProgramFact(NginxProcess.Program, NginxProcess.Package)]
    public async Task Nginx_has_nothing_to_complain_of_in_the_reference_deployment()
    {
        var topology = ReferenceTopology.Load();
        foreach (var ingress in topology.OfRole(Role.Ingress))
        {
            (await CheckAsync(topology.Ingress, NginxSettings.For(topology, ingress, new NginxControl("control.dinehub.example", "10.99.0.1", Ports.Headscale)))).ShouldBe("");
        }
    }

    [RequiresProgramFact(NginxProcess.Program, NginxProcess.Package)]
    public async Task Nginx_has_nothing_to_complain_of_with_one_region()
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

    [RequiresProgramFact(NginxProcess.Program, NginxProcess.Package)]
    public async Task A_started_nginx_answers_by_itself_where_no_backend_does()
    {
        await using var nginx = await NginxProcess.StartAsync(new IngressPolicy(), "eu", [new NginxBackend("a", "eu", "127.0.0.1", 1)]);
        using var client = nginx.CreateClient();
        var answer = await client.GetAsync("/api/v1/x");
        ((int)answer.StatusCode).ShouldBe(502);
        await nginx.StopAsync();
    }

    // On the nginx that is installed, without the machine's name server and certificates.
    private static async Task<string> CheckAsync(IngressPolicy policy, NginxSettings settings)
    {
        using var directory = new TemporaryDirectory();
        using var certificate = TestCertificate.Create(directory.Path);
        return await NginxProcess.CheckAsync(NginxConfiguration.Write(policy, settings with
        {
            Version = await NginxProcess.InstalledVersionAsync(),
            Backends = [.. settings.Backends.Select((backend, i) => backend with { Host = $"100.64.0.{i + 1}" })],
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            TemporaryFolder = directory.Path,
            Resolver = null,
        }));
    }
}
