using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using DineHub.Topology.Ingress;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DineHub.Gateway;

/// <summary>How clients may connect, and how much and how slowly they may send.</summary>
internal static class Listening
{
    private const int Http2Streams = 100;

    // nginx' own number since there is one (max_headers). Their length is limited long before.
    private const int MaxHeaderFields = 1000;

    // Slower senders are disconnected; nginx measures silence instead. YARP disconnects clients that do not read, after the timeout for a silent backend.
    private const double MinBytesPerSecond = 100;

    public static void Configure(KestrelServerOptions kestrel, IngressPolicy policy)
    {
        kestrel.AddServerHeader = false;

        // Byte for byte, as to the backends: the meaning of a field's bytes is theirs to define.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = policy.MaxBodyBytes;
        limits.MaxRequestLineSize = policy.MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = policy.MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaderFields;
        limits.MaxConcurrentConnections = policy.MaxConnections;
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(policy.IdleTimeoutSeconds);
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(policy.RequestHeadersTimeoutSeconds);
        var grace = TimeSpan.FromSeconds(policy.RequestBodyTimeoutSeconds) + TimeSpan.FromMilliseconds(1);
        limits.MinRequestBodyDataRate = new MinDataRate(MinBytesPerSecond, grace);
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
