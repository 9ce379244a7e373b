namespace DineHub.Topology.Ingress;

/// <summary>The header fields that an ingress sets, drops and replaces.</summary>
public static class IngressHeaders
{
    /// <summary>The field that makes a request of any method one that may be repeated (draft-ietf-httpapi-idempotency-key-header).</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary>The request's identity: 32 hexadecimal digits, made by the ingress, and sent to the backend and the client.</summary>
    public const string RequestId = "X-Request-Id";

    /// <summary>Maximum size of a backend's response head, in KiB; a longer one counts as the backend's failure.</summary>
    public const int MaxResponseHeadKibibytes = 16;

    /// <summary>Content-Security-Policy of answers that bring none of their own.</summary>
    public const string ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'";

    /// <summary>The security headers of every response; a backend's own values are replaced.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Security { get; } =
    [
        new("X-Content-Type-Options", "nosniff"),
        new("X-Frame-Options", "DENY"),
        new("Referrer-Policy", "no-referrer"),
        new("Cross-Origin-Opener-Policy", "same-origin"),
        new("Permissions-Policy", "camera=(), geolocation=(self), microphone=(), payment=(self)"),
    ];

    /// <summary>Client-supplied headers about a request's origin or real method and path: dropped, since they cannot be verified.</summary>
    public static IReadOnlyList<string> Distrusted { get; } =
    [
        "Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl",
        "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Original-For", "X-Original-Proto", "X-Original-Host",
        "X-DineHub-Node", "X-DineHub-Region", "Proxy",
    ];

    /// <summary>What belongs to one connection (RFC 9110, section 7.6.1) and is not passed on.</summary>
    public static IReadOnlyList<string> HopByHop { get; } =
        ["Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "HTTP2-Settings"];

    /// <summary>What may stand in a request once; twice, it would be for each server to say which counts. 400.</summary>
    public static IReadOnlyList<string> Once { get; } =
        ["Authorization", "Expect", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since"];

    /// <summary>What backends say of themselves, or to nginx: not told to clients, and not obeyed.</summary>
    public static IReadOnlyList<string> BackendOnly { get; } =
        ["Server", "X-Powered-By", "Alt-Svc", "X-Accel-Redirect", "X-Accel-Buffering", "X-Accel-Expires", "X-Accel-Charset", "X-Accel-Limit-Rate"];
}
