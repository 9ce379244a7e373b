using System.Diagnostics;
using System.Globalization;
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
        await File.WriteAllTextAsync(file, NginxConfiguration.Write(setup.Policy, SettingsOf(setup)));
        var errors = Path.Combine(setup.Directory, "nginx-error.log");

        // By the launcher: its processes die with this one. One worker is enough, and what a case counts is counted in one place.
        var process = await ProcessLauncher.StartAsync(new ProcessSpec(
            NginxProgram.Path!,
            ["-p", setup.Directory + "/", "-c", file, "-e", errors, "-g", $"daemon off; pid {setup.Directory}/nginx.pid;{(Environment.IsPrivilegedProcess ? " user root;" : "")}"],
            new Dictionary<string, string>(),
            setup.Directory));
        await Eventually.TrueAsync(
            () => !PortAllocator.IsFree(setup.HttpsPort) || (process.HasExited ? throw new InvalidOperationException($"nginx has ended: {File.ReadAllText(errors)}") : false),
            "nginx listens");
        return new NginxIngress(process);
    }

    /// <summary>What it is told beside the policy.</summary>
    public static NginxSettings SettingsOf(IngressSetup setup) => new()
    {
        Version = NginxProgram.Version,
        Region = setup.Region,
        Backends = [.. setup.Backends.Select(backend => new NginxBackend(backend.Region, "127.0.0.1", backend.Port))],
        Addresses = ["127.0.0.1"],
        HttpPort = setup.HttpPort,
        HttpsPort = setup.HttpsPort,
        CertificateFile = setup.Certificate.CertificateFile,
        CertificateKeyFile = setup.Certificate.KeyFile,
        MaintenanceFile = setup.MaintenanceFile,
        ManagementAddress = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{setup.ManagementPort}"),
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
