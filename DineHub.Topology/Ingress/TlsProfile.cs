namespace DineHub.Topology.Ingress;

/// <summary>TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only: Mozilla's intermediate profile (Server Side TLS 5.7), less its DHE suites.</summary>
public static class TlsProfile
{
    /// <summary>The suites of TLS 1.2: the IANA's name, then OpenSSL's.</summary>
    public static IReadOnlyList<(string Iana, string OpenSsl)> Suites { get; } =
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ];

    /// <summary>The suites of TLS 1.3, by the IANA's names, which are OpenSSL's too.</summary>
    public static IReadOnlyList<string> Tls13Suites { get; } = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
}
