using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Local;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>A real nginx on 127.0.0.1 that runs the generated configuration.</summary>
internal sealed class NginxProcess : IAsyncDisposable
{
    public const string Program = "nginx";
    public const string Package = "nginx-light";

    private const int SigHup = 1;
    private const int SigQuit = 3;

    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly TestCertificate certificate;
    private readonly int httpPort;
    private readonly int httpsPort;
    private readonly int managementPort;
    private NodeLog? log;
    private Process? process;

    private NginxProcess()
    {
        certificate = TestCertificate.Create(directory.Path);
        httpPort = ports.Next();
        httpsPort = ports.Next();
        managementPort = ports.Next();

        // Its workers are nobody's, if it is root's.
        File.SetUnixFileMode(directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(Path.GetDirectoryName(MaintenanceFile)!);
    }

    public Uri Http => Address("http", httpPort);

    public Uri Https => Address("https", httpsPort);

    public Uri Management => Address("http", managementPort);

    public int ProcessId => process!.Id;

    public bool HasExited => process!.HasExited;

    /// <summary>What it says of itself.</summary>
    public string ErrorLog => File.Exists(ErrorLogFile) ? File.ReadAllText(ErrorLogFile) : "";

    public TestCertificate Certificate => certificate;

    /// <summary>While there is such a file, it answers 503 to everything.</summary>
    public string MaintenanceFile => Path.Combine(directory.Path, "ingress", "maintenance");

    private string ErrorLogFile => Path.Combine(directory.Path, "error.log");

    private string ConfigurationFile => Path.Combine(directory.Path, "nginx.conf");

    /// <summary>The version that is installed.</summary>
    public static async Task<Version> InstalledVersionAsync()
    {
        var (_, output) = await RunAsync(["-v"]);
        return Version.Parse(output.Trim().Split('/')[1].Split(' ')[0]);
    }

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="policy">How it behaves.</param>
    /// <param name="region">Its region.</param>
    /// <param name="backends">The backends.</param>
    /// <param name="adapt">Changes the settings.</param>
    public static async Task<NginxProcess> StartAsync(
        IngressPolicy policy, string region, IReadOnlyList<NginxBackend> backends, Func<NginxSettings, NginxSettings>? adapt = null)
    {
        var nginx = new NginxProcess();
        try
        {
            await nginx.ConfigureAsync(policy, region, backends, adapt);
            await nginx.StartAsync();
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    /// <summary>What <c>nginx -t</c> says of a text; nothing where it has nothing to complain of.</summary>
    public static async Task<string> CheckAsync(string text)
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "nginx.conf");
        await File.WriteAllTextAsync(file, text);
        var (exitCode, output) = await RunAsync(["-t", "-p", directory.Path + "/", "-c", file, "-e", "stderr", "-g", $"pid {directory.Path}/nginx.pid;"]);
        var complaints = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.EndsWith("syntax is ok", StringComparison.Ordinal) && !line.EndsWith("test is successful", StringComparison.Ordinal));
        var said = string.Join('\n', complaints);
        return exitCode == 0 || said.Length > 0 ? said : $"It ended with {exitCode}.";
    }

    /// <summary>Lets it go on with another configuration (SIGHUP) and waits until the workers that had the old one take no more connections.</summary>
    public async Task ReloadAsync(IngressPolicy policy, string region, IReadOnlyList<NginxBackend> backends, Func<NginxSettings, NginxSettings>? adapt = null)
    {
        var reloads = Count("gracefully shutting down");
        await ConfigureAsync(policy, region, backends, adapt);
        ProcessLauncher.Signal(process!, SigHup);
        await Eventually.TrueAsync(() => Count("gracefully shutting down") > reloads, "the old workers are told to end");
    }

    /// <summary>Tells it to stop listening and to end when its requests have (SIGQUIT).</summary>
    public void BeginStop() => ProcessLauncher.Signal(process!, SigQuit);

    /// <summary>Stops it gracefully, and waits for its end.</summary>
    public async Task StopAsync()
    {
        BeginStop();
        await process!.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>A client that trusts its certificate, follows no redirects and keeps cookies for nobody.</summary>
    public HttpClient CreateClient() => new(CreateHandler()) { BaseAddress = Https };

    /// <summary>A handler that trusts its certificate.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, presented, _, _) => certificate.IsThis(presented) },
    };

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            // Not SIGKILL: its workers would live on.
            ProcessLauncher.Signal(process, ProcessLauncher.SigTerm);
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            process.Dispose();
        }

        log?.Dispose();
        certificate.Dispose();
        ports.Dispose();
        directory.Dispose();
    }

    private static Uri Address(string scheme, int port) => new(string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"));

    private static async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments)
    {
        using var run = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = run.StandardOutput.ReadToEndAsync();
        var error = run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        return (run.ExitCode, await output + await error);
    }

    private async Task ConfigureAsync(IngressPolicy policy, string region, IReadOnlyList<NginxBackend> backends, Func<NginxSettings, NginxSettings>? adapt)
    {
        var settings = new NginxSettings
        {
            Region = region,
            Backends = backends,
            HttpPort = httpPort,
            HttpsPort = httpsPort,
            ListenAddresses = ["127.0.0.1"],
            ManagementPort = managementPort,
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            MaintenanceFile = MaintenanceFile,
            TemporaryFolder = directory.Path,
            Version = await InstalledVersionAsync(),
        };
        await File.WriteAllTextAsync(ConfigurationFile, NginxConfiguration.Write(policy, adapt is null ? settings : adapt(settings)));
    }

    private async Task StartAsync()
    {
        log = new NodeLog(Path.Combine(directory.Path, "output.log"), echo: null);
        string[] command =
        [
            // Where these tests are killed, it is told to end: killed as well, it would leave its workers behind.
            .. ProcessLauncher.ChildrenDieWithParent ? ["setpriv", "--pdeathsig", "TERM", "--"] : Array.Empty<string>(),
            Program,
            "-p", directory.Path + "/", "-c", ConfigurationFile, "-e", ErrorLogFile,
            "-g", $"pid {directory.Path}/nginx.pid; daemon off; error_log {ErrorLogFile} notice;",
        ];
        process = await ProcessLauncher.StartAsync(new ProcessSpec(command[0], command[1..], new Dictionary<string, string>(), directory.Path));
        log.Follow(process);
        using var client = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                process.HasExited.ShouldBeFalse(string.Join(Environment.NewLine, log.Last) + ErrorLog);
                try
                {
                    return (await client.GetAsync(new Uri(Management, "/health"))).IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "nginx answers");
    }

    private int Count(string words) => ErrorLog.Split('\n').Count(line => line.Contains(words, StringComparison.Ordinal));
}
