using System.Security.Cryptography.X509Certificates;
using DineHub.AppHost.Local;

namespace DineHub.AppHost.Aspire;

/// <summary>ASP.NET Core's development certificate, which the gateways use: Aspire gives it to them.</summary>
internal static class AspNetCoreCertificate
{
    // "ASP.NET Core HTTPS development certificate": the extension by which Kestrel finds it, too.
    private const string Extension = "1.3.6.1.4.1.311.84.1.1";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <summary>Makes it where there is none: without it no gateway could listen.</summary>
    /// <exception cref="PrerequisiteException">There is none, and none could be made.</exception>
    public static async Task EnsureAsync(CancellationToken ct)
    {
        if (Find().Length > 0)
        {
            return;
        }

        try
        {
            await Subprocess.RunAsync(ClusterContext.Sdk([]).FileName, ["dev-certs", "https"], ct);
        }
        catch (InvalidOperationException e)
        {
            throw new PrerequisiteException($"'dotnet dev-certs https' failed: {e.Message}", "Run 'dotnet dev-certs https --verbose' to see why; it comes with the .NET SDK.", e);
        }
    }

    /// <summary>A client that trusts it, and where there is none what the machine trusts.</summary>
    public static HttpClient CreateClient(string url)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        var certificates = Find();
        if (certificates.Length > 0)
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.AddRange(certificates);
            handler.SslOptions.CertificateChainPolicy = trust;
        }

        return new HttpClient(handler) { BaseAddress = new Uri(url), Timeout = Deadline };
    }

    private static X509Certificate2[] Find()
    {
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.ReadOnly);
        return [.. store.Certificates.Where(certificate => certificate.Extensions[Extension] is not null && certificate.NotAfter > DateTime.Now)];
    }
}
