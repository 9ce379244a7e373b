using System.Globalization;
using System.Text.RegularExpressions;
using DineHub.Topology.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes the variables that decide what happens to a request: nginx has maps where programs have conditions.</summary>
/// <param name="writer">Where to.</param>
/// <param name="policy">The policy.</param>
internal sealed partial class NginxVariables(NginxWriter writer, IngressPolicy policy)
{
    // What no path and no route's name can be.
    private const string Ambiguous = "*";

    // Trace Context (W3C), sections 3.2.1 and 3.2.2: version 00 ends with the flags, later ones may go on; ff, and identities of zeros only, are invalid.
    private const string ValidTraceParent = "~^(?!ff)(?!00-.{53})[0-9a-f]{2}-(?!0{32})(?<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$";

    /// <summary>The kinds of limits with their nginx names: of the zone, and of the variable that holds the key.</summary>
    public static IEnumerable<(RateLimitKind Kind, string Zone, string Key)> Limits =>
        Enum.GetValues<RateLimitKind>().Select(kind => (kind, ZoneOf(kind), $"${ZoneOf(kind)}_key"));

    /// <param name="forControl">Whether connections to the mesh's control server are relayed.</param>
    public void Write(bool forControl)
    {
        WriteRoute();
        WriteLimits();
        WriteRepetition();
        WriteHeaders();
        if (forControl)
        {
            Map("$http_upgrade", "$control_connection", [("", "")], "upgrade");
        }
    }

    private static string ZoneOf(RateLimitKind kind) => IngressRoute.LimitName(kind).Replace('-', '_');

    private void WriteRoute()
    {
        writer.Comment("The request's route: its name, * if the path is ambiguous, empty if there is none.");
        Map("$request_uri", "$plain_path", [("~*" + RequestTarget.AmbiguousPattern, Ambiguous), ("~" + RequestTarget.ForeignPattern, Ambiguous)], "$uri");
        writer.Comment("The request's host, from the target and from Host, which must agree; empty if it is absent or not valid.");
        Map("$host|$http_host", "$forwarded_host", [($"~*^({RequestTarget.HostPattern})\\|\\1{RequestTarget.PortPattern}$", "$http_host")], "");
        Map("$server_protocol|$forwarded_host", "$asked", [(@"~^HTTP/(?:1\.[01]|2\.0)\|.", "$plain_path")], Ambiguous);
        Map("$asked", "$route", [(Ambiguous, Ambiguous), .. IngressRoute.All.Select(route => ($"~*{PathPattern(route.Path)}", route.Name))], "");
    }

    private void WriteLimits()
    {
        writer.Gap().Comment("The client to count against: an IPv4 address, or the /64 of an IPv6 address, which belongs to one customer.");
        Map("$binary_remote_addr", "$client_key", [("~(?s)^(?<network>.{8}).{8}$", "$network")], "$binary_remote_addr");
        var special = IngressRoute.All.Where(route => route.Limit != RateLimitKind.Client);
        Map(
            "$request_method:$route",
            "$limit",
            [.. special.Select(route => ($"POST:{route.Name}", IngressRoute.LimitName(route.Limit)))],
            IngressRoute.LimitName(RateLimitKind.Client));
        foreach (var (kind, _, key) in Limits.Where(limit => limit.Kind != RateLimitKind.Client))
        {
            Map("$limit", key, [(IngressRoute.LimitName(kind), "$client_key")], "");
        }

        Map("$limit", "$limit_retry_after", LimitValues((_, limit) => limit.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture)));
        Map("$limit", "$limit_policy", LimitValues((name, limit) => limit.PolicyField(name)));
        Map("$limit", "$limit_exhausted", LimitValues((name, limit) => limit.ExhaustedField(name)));
    }

    private void WriteRepetition()
    {
        writer.Gap().Comment("Whether the request may be retried, whether the length of its body is declared, and its handler.");
        var tries = policy.MaxFurtherTries + 1;
        Map("$request_method:$http_idempotency_key", "$repeatable", tries > 1 ? [("~^(?:GET|HEAD|PUT|DELETE|OPTIONS):", "1"), ("~:.", "1")] : [], "0");
        Map("$http_transfer_encoding:$request_method:$content_length", "$measured", [("~^:(?:GET|HEAD|DELETE|OPTIONS):", "1"), ("~^:[A-Z]+:[0-9]", "1")], "0");
        var streams = string.Join('|', IngressRoute.All.Where(route => route.Streams).Select(route => route.Name));
        Map(
            "$route:$request_method:$repeatable:$measured",
            "$handler",
            [
                ("~^:", NginxLocations.Unknown),
                ($"~^\\{Ambiguous}:", NginxLocations.Ambiguous),
                ($"~^(?:{streams}):GET:", NginxLocations.Stream),
                ("~:1:1$", NginxLocations.Repeat),
                ("~:1:0$", NginxLocations.RepeatUnmeasured),
            ],
            NginxLocations.Once);

        writer.Gap().Comment("The next step when no backend has answered. The upstream's name alone: all are ejected, and none was tried.");
        Map(
            "$upstream_addr $handler",
            "$after_502",
            [($"{NginxUpstreams.Available} {NginxLocations.Once}", NginxLocations.PanicOnce), ($"~^{NginxUpstreams.Available} @", NginxLocations.PanicRepeat)],
            NginxLocations.Problem(502));
        if (tries > 1)
        {
            writer.Gap().Comment("The next step after a 503: one retry, if one is left. Commas separate the tried addresses.");
            Map("$upstream_addr", "$after_503", [($"~(?:,[^,]*){{{tries - 1}}}", NginxLocations.Problem(503))], NginxLocations.Again);
        }
    }

    private void WriteHeaders()
    {
        writer.Gap().Comment("Header fields. A valid traceparent is passed on; otherwise the request's id becomes the trace's.");
        Map("$request_id", "$first_span", [("~^(?<half>.{16})", "$half")], "");
        Map("$http_traceparent", "$sent_trace", [(ValidTraceParent, "$trace")], "");
        Map("$sent_trace", "$trace_id", [("", "$request_id")], "$sent_trace");
        Map("$sent_trace", "$traceparent", [("", "00-$request_id-$first_span-01")], "$http_traceparent");
        Map("$sent_trace", "$tracestate", [("", "")], "$http_tracestate");
        Map("$upstream_http_content_security_policy", "$missing_csp", [("", IngressHeaders.ContentSecurityPolicy)], "");
        if (policy.HstsSeconds > 0)
        {
            Map(
                "$host",
                "$hsts",
                [("localhost", ""), ("127.0.0.1", ""), ("[::1]", "")],
                string.Create(CultureInfo.InvariantCulture, $"max-age={policy.HstsSeconds}; includeSubDomains"));
        }
    }

    private (string, string)[] LimitValues(Func<string, RateLimit, string> value) =>
        [.. Limits.Select(limit => IngressRoute.LimitName(limit.Kind)).Zip(Limits, (name, limit) => (name, value(name, policy.LimitOf(limit.Kind))))];

    private void Map(string source, string variable, IReadOnlyList<(string Key, string Value)> values, string? otherwise = null) =>
        writer.Block($"map {NginxText.Quote(source)} {variable}", () =>
        {
            foreach (var (key, value) in values)
            {
                writer.Line($"{NginxText.Quote(key)} {NginxText.Quote(value)}");
            }

            if (otherwise is not null)
            {
                writer.Line($"default {NginxText.Quote(otherwise)}");
            }
        });

    // ASP.NET Core: {x} is one segment, {**rest} any number, none included.
    private static string PathPattern(string path) => path == "/" ? "^/$" : $"^{Parameter().Replace(
        Regex.Escape(path).Replace("\\{", "{", StringComparison.Ordinal).Replace("\\*", "*", StringComparison.Ordinal),
        match => match.Value.StartsWith("/{**", StringComparison.Ordinal) ? "(?:/.*)?" : "/[^/]+")}/?$";

    [GeneratedRegex(@"/\{[^}]*\}")]
    private static partial Regex Parameter();
}
