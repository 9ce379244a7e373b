using System.Net;
using System.Text.RegularExpressions;

namespace DineHub.Topology.Ingress;

/// <summary>
/// Targets and hosts that two servers may read in two ways: empty segments, dot segments, backslashes, encoded slashes, dots, backslashes and
/// control characters, escapes that are none or that no UTF-8 begins with, fragments, bytes beyond ASCII; and hosts that are neither a DNS name nor an
/// address. No address of DineHub has any, and browsers resolve and escape before they send, so they are refused (400) before
/// anybody reads them: "reject and escape", as Envoy calls it (path normalization, CVE-2021-29492).
/// </summary>
public static partial class RequestTarget
{
    /// <summary>Matches what is refused, in the request target as it came, its query included where there is one; without regard to case. PCRE and .NET read it alike.</summary>
    public const string AmbiguousPattern = @"^[^?]*(//|/\.\.?(/|$|\?)|\\|%(2[ef]|5c|[01][0-9a-f]|7f|c[01]|e0%[89]|f0%8|f[5-9a-f]|(?![0-9a-f]{2})))";

    /// <summary>Matches what stands in no target, its query included (RFC 3986): whatever is not printable ASCII, and the begin of a fragment.</summary>
    public const string ForeignPattern = "[^!-~]|#";

    /// <summary>Matches a host without its port, between whatever stands before and behind it and without regard to case: names of letters, digits, <c>-</c> and <c>_</c> as long as DNS has them (RFC 1035, section 2.3.4), IPv4 and IPv6 addresses.</summary>
    public const string HostPattern = @"(?:(?![^:|]{254})[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*|\[[0-9a-f:.]{2,45}\])";

    /// <summary>Matches the port of a host with its colon, or that there is none.</summary>
    public const string PortPattern = "(?::(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?";

    /// <summary>Whether a request target (RFC 9112, section 3.2) is refused: also where it is neither a path nor an absolute URL with one, or has what stands in no target.</summary>
    /// <param name="target">The target, as it came.</param>
    public static bool IsAmbiguous(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var origin = Authority().Replace(target, "", 1);
        return !origin.StartsWith('/') || origin.AsSpan().ContainsAnyExceptInRange('!', '~') || origin.Contains('#', StringComparison.Ordinal) || Ambiguous().IsMatch(origin);
    }

    /// <summary>Whether this is a host that a request may be for, with a port or without (RFC 9110, section 7.2).</summary>
    /// <param name="host">The field's value.</param>
    public static bool IsHost(string? host)
    {
        if (host is null || Host().Match(host) is not { Success: true, Groups: var groups })
        {
            return false;
        }

        var name = groups["name"].ValueSpan;
        return name[0] != '[' || IPAddress.TryParse(name, out _);
    }

    [GeneratedRegex(AmbiguousPattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Ambiguous();

    [GeneratedRegex("^https?://[^/?#@]*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Authority();

    [GeneratedRegex(@"\A(?<name>" + HostPattern + ")" + PortPattern + @"\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Host();
}
