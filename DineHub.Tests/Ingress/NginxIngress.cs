using System.Diagnostics;
using DineHub.AppHost.Local;
using DineHub.AppHost.Publishing.Nginx;

namespace DineHub.Tests.Ingress;

/// <summary>A real nginx with the generated configuration.</summary>
internal sealed class NginxIngress(Process process) : IIngressUnderTest
{
    // What the systemd unit sends: nginx' word for an end in good order. SIGTERM ends it at once.
    private const int SigQuit = 3;

    public bool HasEnded => process.HasExited;

    public static async Task<NginxIngress> StartAsync(IngressSetup setup)
    {
        var file = Path.Combine(setup.Directory, "nginx.conf");
        await File.WriteAllTextAsync(file, NginxConfiguration.Write(setup.Policy, await SettingsOfAsync(setup)));
        var errors = Path.Combine(setup.Directory, "nginx-error.log");

        // Its workers are nobody's, if it is root's; they read and write where the test does.
        var user = Environment.IsPrivilegedProcess ? "user root; " : "";
        var process = await ProcessLauncher.StartAsync(new ProcessSpec(
            NginxProcess.Program,
            ["-p", setup.Directory + "/", "-c", file, "-e", errors, "-g", $"daemon off; {user}pid {setup.Directory}/nginx.pid;"],
            new Dictionary<string, string>(),
            setup.Directory));
        await Eventually.TrueAsync(
            () => !PortAllocator.IsFree(setup.HttpsPort) || (process.HasExited ? throw new InvalidOperationException($"nginx has ended: {File.ReadAllText(errors)}") : false),
            "nginx listens");
        return new NginxIngress(process);
    }

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

    public void BeginStop() => ProcessLauncher.Signal(process, SigQuit);

    public async ValueTask DisposeAsync()
    {
        // At once, with its workers: without their master they would stay.
        ProcessLauncher.Signal(process, ProcessLauncher.SigTerm);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
