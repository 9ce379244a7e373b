using System.Text.RegularExpressions;
using DineHub.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>
/// What happens to a request at the HTTPS port. The ways between the locations are codes that no client sees: nginx has no other way to
/// go from one proxied location to another.
/// </summary>
/// <param name="text">Where to write.</param>
/// <param name="policy">How the ingress behaves.</param>
/// <param name="settings">Where it stands.</param>
internal sealed partial class NginxLocations(NginxText text, IngressPolicy policy, NginxSettings settings)
{
    /// <summary>The client sent too many requests.</summary>
    public const int Limited = 463;

    private const int Once = 460;
    private const int Ambiguous = 461;
    private const int Maintenance = 462;
    private const int TooLong = 464;

    // nginx' own code for header fields that are too large.
    private const int LargeHeaders = 494;

    public void Write(IReadOnlyList<(string Name, RateLimit Limit)> zones)
    {
        Answers();
        Requests();
        text.Comment("Tries: up to so many others after a failure that nothing was passed on of.")
            .Directive("recursive_error_pages on")
            .Directive("proxy_intercept_errors on")
            .Directive(policy.MaxFurtherTries == 0 ? "proxy_next_upstream off" : "proxy_next_upstream error timeout http_502 http_504 non_idempotent")
            .Directive(Invariant($"proxy_next_upstream_tries {policy.MaxFurtherTries + 1}"))
            .Blank();
        foreach (var (name, limit) in zones)
        {
            text.Directive($"limit_req zone={name}{(limit.Burst == 1 ? "" : Invariant($" burst={limit.Burst - 1} nodelay"))}");
        }

        text.Blank();
        foreach (var problem in new[] { 404, 405 })
        {
            ErrorPage(problem, $"@problem_{problem}");
        }

        // By path and not by name: the request may have no URI yet.
        text.Directive(Invariant($"error_page {LargeHeaders} =431 /.problem/431"))
            .Directive(Invariant($"error_page {Ambiguous} =400 @problem_400"))
            .Directive(Invariant($"error_page {TooLong} =414 @problem_414"))
            .Directive(Invariant($"error_page {Maintenance} =503 @problem_503"))
            .Blank()
            .Directive("set $dinehub_limit client")
            .Directive("set $dinehub_retry_after \"\"")
            .Directive("set $dinehub_ratelimit_policy \"\"")
            .Directive("set $dinehub_ratelimit \"\"")
            .Block($"if (-f {settings.MaintenanceFile})", () => text
                .Directive(Invariant($"set $dinehub_retry_after {policy.MaintenanceRetryAfterSeconds}"))
                .Directive(Invariant($"return {Maintenance}")))
            .Block("if ($dinehub_too_long)", () => text.Directive(Invariant($"return {TooLong}")))
            .Block("if ($dinehub_ambiguous)", () => text.Directive(Invariant($"return {Ambiguous}")))
            .Blank();
        foreach (var route in IngressRoute.All)
        {
            Route(route);
        }

        text.Block("location /", () => text.Directive("return 404")).Blank();
        Proxied();
        Problems();
    }

    private void Answers()
    {
        text.Comment("Answers. Fields whose value is empty are not sent.")
            .Directive($"default_type {IngressProblem.ContentType}");
        foreach (var name in IngressHeaders.Security.Select(pair => pair.Key).Concat(IngressHeaders.BackendOnly).Append(IngressHeaders.RequestId).Append("Strict-Transport-Security"))
        {
            text.Directive($"proxy_hide_header {name}");
        }

        text.Directive("proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset");
        foreach (var (name, value) in IngressHeaders.Security)
        {
            text.Directive($"add_header {name} {NginxText.Quote(value)} always");
        }

        text.Directive("add_header Content-Security-Policy $dinehub_csp always")
            .Directive("add_header Strict-Transport-Security $dinehub_hsts always")
            .Directive($"add_header {IngressHeaders.RequestId} $request_id always")
            .Directive("add_header Retry-After $dinehub_retry_after always")
            .Directive("add_header RateLimit-Policy $dinehub_ratelimit_policy always")
            .Directive("add_header RateLimit $dinehub_ratelimit always")
            .Blank();
    }

    private void Requests()
    {
        text.Comment("Requests, as backends get them.")
            .Directive("proxy_http_version 1.1")
            .Directive(Invariant($"proxy_connect_timeout {policy.ConnectTimeoutMilliseconds}ms"))
            .Directive(Invariant($"proxy_read_timeout {policy.ResponseTimeoutSeconds}s"))
            .Directive(Invariant($"proxy_send_timeout {policy.ResponseTimeoutSeconds}s"))
            .Directive("proxy_buffer_size 16k")
            .Directive("proxy_buffers 16 16k")
            .Directive("proxy_busy_buffers_size 64k")
            .Directive("proxy_max_temp_file_size 0")
            .Directive("proxy_set_header Host $host")
            .Directive("proxy_set_header X-Forwarded-For $remote_addr")
            .Directive("proxy_set_header X-Forwarded-Proto $scheme")
            .Directive("proxy_set_header X-Forwarded-Host $http_host")
            .Directive($"proxy_set_header {IngressHeaders.RequestId} $request_id")
            .Directive("proxy_set_header traceparent $dinehub_traceparent")
            .Directive("proxy_set_header tracestate $dinehub_tracestate");
        foreach (var name in IngressHeaders.Distrusted.Where(name => name != "X-Forwarded-Host").Concat(IngressHeaders.HopByHop))
        {
            text.Directive($"proxy_set_header {name} \"\"");
        }

        text.Blank();
    }

    private void Route(IngressRoute route) => text.Block($"location ~* {NginxText.Quote(PatternOf(route.Path))}", () =>
    {
        if (route.Limit != RateLimitKind.Client)
        {
            text.Directive($"set $dinehub_limit {IngressRoute.LimitName(route.Limit)}");
        }

        text.Block("if ($dinehub_once)", () => text.Directive(Invariant($"return {Once}")));
        ErrorPage(Once, "= @once");
        OwnErrors("@unreachable");
        if (policy.MaxFurtherTries > 0)
        {
            ErrorPage(503, "= @again");
        }

        if (route.Streams)
        {
            text.Directive("proxy_buffering off");
        }

        text.Directive("proxy_pass http://backends");
    }).Blank();

    private void Proxied()
    {
        text.Comment("Never twice.").Block("location @once", () =>
        {
            OwnErrors("@unreachable_once");
            text.Directive("proxy_next_upstream off").Directive("proxy_pass http://backends");
        }).Blank();
        text.Comment("A 503 does not count as a failure of the backend, as one in proxy_next_upstream would: so another is asked here.").Block("location @again", () =>
        {
            OwnErrors("@problem_502");
            text.Block("if ($dinehub_spent)", () => text.Directive(Invariant($"set $dinehub_retry_after {IngressProblem.RetryAfterSeconds}")).Directive("return 503 " + Body(503)))
                .Directive("proxy_next_upstream off")
                .Directive("proxy_pass http://backends");
        }).Blank();
        foreach (var (name, once) in new[] { ("@unreachable", false), ("@unreachable_once", true) })
        {
            text.Comment("No backend was available: all are tried. Otherwise what was tried has failed.").Block($"location {name}", () =>
            {
                OwnErrors("@problem_502");
                text.Block("if ($dinehub_tried)", () => text.Directive(Invariant($"set $dinehub_retry_after {IngressProblem.RetryAfterSeconds}")).Directive("return 502 " + Body(502)));
                if (once)
                {
                    text.Directive("proxy_next_upstream off");
                }

                text.Directive("proxy_pass http://every_backend");
            }).Blank();
        }
    }

    private void OwnErrors(string unreachable)
    {
        ErrorPage(502, unreachable == "@problem_502" ? unreachable : $"= {unreachable}");
        ErrorPage(504, "@problem_504");
        ErrorPage(413, "@problem_413");
        text.Directive(Invariant($"error_page {Limited} =429 @problem_429"));
    }

    private void Problems()
    {
        foreach (var status in new[] { 400, 404, 405, 413, 414, 429, 502, 503, 504 })
        {
            text.Block(Invariant($"location @problem_{status}"), () =>
            {
                if (status == 429)
                {
                    text.Directive("set $dinehub_retry_after $dinehub_limit_over")
                        .Directive("set $dinehub_ratelimit_policy $dinehub_limit_policy")
                        .Directive("set $dinehub_ratelimit $dinehub_limit_state");
                }

                if (status is 502 or 504)
                {
                    text.Directive(Invariant($"set $dinehub_retry_after {IngressProblem.RetryAfterSeconds}"));
                }

                text.Directive(Invariant($"return {status} {Body(status)}"));
            });
        }

        text.Block("location = /.problem/431", () => text.Directive("internal").Directive("return 431 " + Body(431)));
    }

    private static string Body(int status)
    {
        var problem = IngressProblem.All.Single(one => one.Status == status);
        return Invariant($"'{{\"type\":\"{problem.Type}\",\"title\":\"{problem.Title}\",\"status\":{status},\"requestId\":\"$request_id\",\"traceId\":\"$dinehub_trace\"}}'");
    }

    private void ErrorPage(int code, string target) => text.Directive(Invariant($"error_page {code} {target}"));

    private static string PatternOf(string path)
    {
        var pattern = Segment().Replace(path, match => match.Value.StartsWith("/{**", StringComparison.Ordinal) ? "(/.*)?" : match.Value.StartsWith("/{", StringComparison.Ordinal) ? "/[^/]+" : Regex.Escape(match.Value));
        return path == "/" ? "^/$" : path.Contains("{**", StringComparison.Ordinal) ? $"^{pattern}$" : $"^{pattern}/?$";
    }

    private static string Invariant(FormattableString value) => FormattableString.Invariant(value);

    [GeneratedRegex("/[^/]+")]
    private static partial Regex Segment();
}
