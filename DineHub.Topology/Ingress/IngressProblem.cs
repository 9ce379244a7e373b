using System.Globalization;

namespace DineHub.Topology.Ingress;

/// <summary>The problems (RFC 9457) that the ingress itself answers with, by both of its forms in the same words.</summary>
/// <param name="Status">The status, 400 to 599.</param>
/// <param name="Type">The problem's type: the section that defines the status.</param>
/// <param name="Title">What has happened, in a few words.</param>
public sealed record IngressProblem(int Status, string Type, string Title)
{
    /// <summary>The media type.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>What Retry-After of 502, 503 and 504 says, in seconds.</summary>
    public const int RetryAfterSeconds = 1;

    /// <summary>Every one of them, in the order of their status.</summary>
    public static IReadOnlyList<IngressProblem> All { get; } =
    [
        new(400, "https://tools.ietf.org/html/rfc9110#section-15.5.1", "Bad Request"),
        new(404, "https://tools.ietf.org/html/rfc9110#section-15.5.5", "Not Found"),
        new(405, "https://tools.ietf.org/html/rfc9110#section-15.5.6", "Method Not Allowed"),
        new(408, "https://tools.ietf.org/html/rfc9110#section-15.5.9", "Request Timeout"),
        new(413, "https://tools.ietf.org/html/rfc9110#section-15.5.14", "Payload Too Large"),
        new(414, "https://tools.ietf.org/html/rfc9110#section-15.5.15", "URI Too Long"),
        new(429, "https://tools.ietf.org/html/rfc6585#section-4", "Too Many Requests"),
        new(431, "https://tools.ietf.org/html/rfc6585#section-5", "Request Header Fields Too Large"),
        new(502, "https://tools.ietf.org/html/rfc9110#section-15.6.3", "Bad Gateway"),
        new(503, "https://tools.ietf.org/html/rfc9110#section-15.6.4", "Service Unavailable"),
        new(504, "https://tools.ietf.org/html/rfc9110#section-15.6.5", "Gateway Timeout"),
    ];

    /// <summary>The field of the request that is wrong, and the rule that it breaks; null where the title says it all.</summary>
    /// <param name="policy">Has the limits.</param>
    public (string Field, string Rule)? Error(IngressPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return Status == 413 ? ("body", string.Create(CultureInfo.InvariantCulture, $"must be at most {policy.MaxBodyBytes} bytes")) : null;
    }
}
