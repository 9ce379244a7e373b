using DineHub.AppHost.Publishing.Nginx;

namespace DineHub.Tests.Ingress;

/// <summary>A real nginx with the generated configuration.</summary>
internal sealed class NginxIngress(NginxProcess nginx) : IIngressUnderTest
{
    public bool HasEnded => nginx.HasExited;

    public static async Task<NginxIngress> StartAsync(IngressSetup setup) =>
        new(await NginxProcess.StartAsync(setup.Directory, NginxConfiguration.Write(setup.Policy, await SettingsOfAsync(setup)), setup.HttpsPort));

    public void BeginStop() => nginx.BeginStop();

    public ValueTask DisposeAsync() => nginx.DisposeAsync();

    private static async Task<NginxSettings> SettingsOfAsync(IngressSetup setup) => new()
    {
        Version = await NginxProcess.InstalledVersionAsync(),
        Region = setup.Region,
        Backends = [.. setup.Backends.Select(backend => new NginxBackend(backend.Name, backend.Region, "127.0.0.1", backend.Port))],
        ListenAddresses = ["127.0.0.1"],
        HttpPort = setup.HttpPort,
        HttpsPort = setup.HttpsPort,
        CertificateFile = setup.Certificate.CertificateFile,
        CertificateKeyFile = setup.Certificate.KeyFile,
        MaintenanceFile = setup.MaintenanceFile,
        ManagementPort = setup.ManagementPort,
        TemporaryFolder = setup.Directory,
    };
}
