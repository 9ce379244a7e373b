using System.Net.Security;
using System.Security.Authentication;
using DineHub.Ingress;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DineHub.Gateway;

/// <summary>How clients may connect, and how much and how slowly they may send.</summary>
internal static class Listening
{
    private const int Http2Streams = 100;

    // Whoever sends less is cut; nginx measures silence instead.
    private const double LeastBytesPerSecond = 100;

    public static void Configure(KestrelServerOptions kestrel, IngressPolicy policy)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = policy.MaxBodyBytes;
        limits.MaxRequestLineSize = policy.MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = policy.MaxHeaderBytes;
        limits.MaxConcurrentConnections = policy.MaxConnections;
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(policy.IdleTimeoutSeconds);
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(policy.RequestHeadersTimeoutSeconds);
        var slowest = new MinDataRate(LeastBytesPerSecond, TimeSpan.FromSeconds(policy.RequestBodyTimeoutSeconds) + TimeSpan.FromMilliseconds(1));
        limits.MinRequestBodyDataRate = slowest;
        limits.MinResponseDataRate = slowest;
        limits.Http2.MaxStreamsPerConnection = Http2Streams;
        kestrel.ConfigureHttpsDefaults(https =>
        {
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            if (OperatingSystem.IsLinux())
            {
                var suites = new CipherSuitesPolicy(TlsProfile.Tls13Suites.Concat(TlsProfile.Suites.Select(suite => suite.Iana)).Select(Enum.Parse<TlsCipherSuite>));
                https.OnAuthenticate = (_, tls) => tls.CipherSuitesPolicy = suites;
            }
        });
    }
}
