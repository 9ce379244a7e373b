using System.Security.Cryptography.X509Certificates;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;

namespace DineHub.AppHost.Composition;

/// <summary>
/// The certificate of the local gateways: ASP.NET Core's development certificate, which <c>dotnet dev-certs</c> makes where there is
/// none, and which may be trusted already.
/// </summary>
/// <param name="directory">The cluster's folder, which it is exported to.</param>
internal sealed class DevelopmentCertificate(ClusterDirectory directory)
{
    private const string Remedy = "Run 'dotnet dev-certs https --verbose' to see why; it comes with the .NET SDK.";
    private static readonly TimeSpan MinRemainingValidity = TimeSpan.FromDays(7);

    public string CertificateFile { get; } = Path.Combine(directory.Root, "tls", "localhost.pem");

    public string KeyFile => Path.ChangeExtension(CertificateFile, ".key");

    /// <summary>Exports it to the cluster's folder, where it is not there yet, or not for long.</summary>
    /// <exception cref="PrerequisiteException">There is none, and none could be made.</exception>
    public async Task EnsureAsync(bool trust, CancellationToken ct)
    {
        if (!IsThere())
        {
            var folder = Path.GetDirectoryName(CertificateFile)!;
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await RunAsync(["--export-path", CertificateFile, "--format", "Pem", "--no-password"], ct);
        }

        if (trust)
        {
            await RunAsync(["--trust"], ct);
        }
    }

    private bool IsThere()
    {
        if (!File.Exists(CertificateFile) || !File.Exists(KeyFile))
        {
            return false;
        }

        using var certificate = X509CertificateLoader.LoadCertificateFromFile(CertificateFile);
        return certificate.NotAfter - DateTime.Now > MinRemainingValidity;
    }

    private async Task RunAsync(string[] arguments, CancellationToken ct)
    {
        using var log = new NodeLog(directory.LogFile("dev-certs"));
        var result = await Subprocess.RunAsync(BuiltProgram.Sdk(["dev-certs", "https", .. arguments]), ct, log.Write);
        if (result.ExitCode != 0)
        {
            throw new PrerequisiteException($"'dotnet dev-certs https' failed with exit code {result.ExitCode}: {result.Output}", Remedy);
        }
    }
}
