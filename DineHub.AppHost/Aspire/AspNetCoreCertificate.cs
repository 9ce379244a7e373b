using System.Security.Cryptography.X509Certificates;

namespace DineHub.AppHost.Aspire;

/// <summary>A client that trusts ASP.NET Core's development certificate, which the gateways use, and where there is none what the machine trusts.</summary>
internal static class DevelopmentTrust
{
    // "ASP.NET Core HTTPS development certificate": the extension by which Kestrel finds it, too.
    private const string Extension = "1.3.6.1.4.1.311.84.1.1";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static HttpClient CreateClient(string url)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.ReadOnly);
        var certificates = store.Certificates.Where(certificate => certificate.Extensions[Extension] is not null).ToArray();
        if (certificates.Length > 0)
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.AddRange(certificates);
            handler.SslOptions.CertificateChainPolicy = trust;
        }

        return new HttpClient(handler) { BaseAddress = new Uri(url), Timeout = Deadline };
    }
}
