using System.Text.RegularExpressions;

namespace DineHub.Ingress;

/// <summary>
/// Paths that two servers may read in two ways: empty segments, dot segments, backslashes, and encoded slashes, dots, backslashes and
/// control characters. No address of DineHub has any, and browsers resolve dot segments before they send them, so they are refused (400) before
/// anybody reads them: "reject and escape", as Envoy calls it (path normalization, CVE-2021-29492).
/// </summary>
public static partial class RequestTarget
{
    /// <summary>Matches what is refused, in the request target as it came, its query included where there is one; without regard to case. PCRE and .NET read it alike.</summary>
    public const string AmbiguousPattern = @"^[^?]*(//|/\.\.?(/|$|\?)|\\|%(2[ef]|5c|[01][0-9a-f]|7f))";

    /// <summary>Whether a request target (RFC 9112, section 3.2) is refused: also where it is neither a path nor an absolute URL with one, or has control characters.</summary>
    /// <param name="target">The target, as it came.</param>
    public static bool IsAmbiguous(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var origin = Authority().Replace(target, "", 1);
        return !origin.StartsWith('/') || origin.AsSpan().ContainsAnyInRange('\0', ' ') || origin.Contains('\x7f', StringComparison.Ordinal) || Ambiguous().IsMatch(origin);
    }

    [GeneratedRegex(AmbiguousPattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Ambiguous();

    [GeneratedRegex("^https?://[^/?#]*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Authority();
}
