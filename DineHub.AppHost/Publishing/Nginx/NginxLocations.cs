using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes who handles which requests, and the problems that the ingress answers with itself.</summary>
/// <param name="writer">Where to.</param>
/// <param name="policy">The policy.</param>
/// <param name="upstreams">The groups of servers.</param>
internal sealed class NginxLocations(NginxWriter writer, IngressPolicy policy, NginxUpstreams upstreams)
{
    public const string Unknown = "@unknown";
    public const string Ambiguous = "@ambiguous";
    public const string Once = "@once";
    public const string Repeat = "@repeat";
    public const string RepeatUnmeasured = "@repeat_unmeasured";
    public const string Stream = "@stream";
    public const string Again = "@again";
    public const string PanicOnce = "@panic_once";
    public const string PanicRepeat = "@panic_repeat";

    // Statuses that no server sends: backends' answers are never taken for them.
    public const int OverLimit = 461;
    private const int Handle = 460;
    private const int Refused = 462;

    private const string Maintenance = "@maintenance";
    private const string RetryAfter = "$problem_retry_after";

    // What they are where a limit is exceeded.
    private static readonly (string Name, string Variable, string Limit)[] ProblemHeaders =
    [
        ("Retry-After", RetryAfter, "$limit_retry_after"),
        ("RateLimit-Policy", "$problem_limit", "$limit_policy"),
        ("RateLimit", "$problem_exhausted", "$limit_exhausted"),
    ];

    private int Tries => policy.MaxFurtherTries + 1;

    public static string Problem(int status) => string.Create(CultureInfo.InvariantCulture, $"@problem_{status}");

    /// <summary>Writes the header fields of every answer: in one place, as nginx forgets them all where there is another one.</summary>
    public void AnswerHeaders(bool isSecure)
    {
        foreach (var (name, value) in IngressHeaders.Security)
        {
            writer.Line($"add_header {name} {NginxText.Literal(value)} always");
        }

        writer.Line("add_header Content-Security-Policy $missing_csp always").Line($"add_header {IngressHeaders.RequestId} $request_id always");
        if (!isSecure)
        {
            return;
        }

        if (policy.HstsSeconds > 0)
        {
            writer.Line("add_header Strict-Transport-Security $hsts always");
        }

        writer.Comment("For problems only: empty headers are not sent.");
        foreach (var (name, variable, _) in ProblemHeaders)
        {
            writer.Line($"set {variable} \"\"").Line($"add_header {name} {variable} always");
        }
    }

    /// <summary>Writes what the port for HTTP answers with where it cannot send elsewhere.</summary>
    public void WriteProblemsOfRedirects()
    {
        int[] statuses = [400, 405, 414, 431];
        foreach (var status in statuses)
        {
            WriteProblem(status, isSecure: false);
        }
    }

    public void ErrorPagesOfRedirects() => writer
        .Line("error_page 400 501 505 =400 /.problem/400")
        .Line($"error_page 405 {Problem(405)}")
        .Line("error_page 414 /.problem/414")
        .Line($"error_page 494 =431 {Problem(431)}");

    /// <summary>Writes which problem stands for which failure, for all places that pass on what backends answer.</summary>
    public void ErrorPages() => writer
        .Line("error_page 400 497 501 505 =400 /.problem/400")
        .Line($"error_page 404 {Problem(404)}")
        .Line($"error_page 405 {Problem(405)}")
        .Line($"error_page 413 {Problem(413)}")
        .Line("error_page 414 /.problem/414")
        .Line($"error_page {Handle} = $handler")
        .Line($"error_page {OverLimit} =429 {Problem(429)}")
        .Line($"error_page {Refused} =400 /.problem/400")
        .Line($"error_page 494 =431 {Problem(431)}")
        .Line("error_page 502 = $after_502")
        .Line($"error_page 503 {Maintenance}")
        .Line($"error_page 504 {Problem(504)}");

    public void Write(string maintenanceFile)
    {
        writer.Comment("The only location, for every method and path: $handler has the request's handler.");
        writer.Block("location /", () => writer
            .Block($"if (-f {maintenanceFile})", () => writer.Line("return 503"))
            .Block($"if ($request ~ {NginxText.LongerThan(policy.MaxRequestLineBytes)})", () => writer.Line("return 414"))
            .Line($"return {Handle}"));

        writer.Gap().Comment("Not by return, which would run before the limits: 404s count against the limit too.");
        Refusal(Unknown, 404);
        Refusal(Ambiguous, Refused);

        writer.Gap().Comment("Sent once, without retries.");
        writer.Block($"location {Once}", () => Pass(NginxUpstreams.Available, tries: 1));
        if (Tries > 1)
        {
            writer.Gap().Comment("May be retried.");
            writer.Block($"location {Repeat}", PassAndTakeBack);
            writer.Gap().Comment("The body may exceed the limit.");
            writer.Block($"location {RepeatUnmeasured}", () =>
            {
                PassAndTakeBack();
                writer.Line($"error_page 413 {Problem(413)}");
            });
        }

        writer.Gap().Comment("Streamed responses.");
        writer.Block($"location {Stream}", () =>
        {
            if (Tries > 1)
            {
                PassAndTakeBack();
            }
            else
            {
                Pass(NginxUpstreams.Available, tries: 1);
            }

            writer.Line("proxy_buffering off");
        });

        if (Tries > 1)
        {
            writer.Gap().Comment("After a 503, once.");
            LastResort(Again, upstreams.Repeating, tries: 1);
        }

        writer.Gap().Comment("When all are ejected.");
        LastResort(PanicOnce, NginxUpstreams.Every, tries: 1);
        LastResort(PanicRepeat, NginxUpstreams.Every, Tries);

        writer.Gap().Comment("Problems (RFC 9457). Requests without a path get one without a named location.");
        foreach (var problem in IngressProblem.All.Where(problem => problem.Status != 408))
        {
            WriteProblem(problem.Status, isSecure: true);
        }

        WriteProblem(Maintenance, 503, policy.MaintenanceRetryAfterSeconds, isLimit: false);
    }

    private void Refusal(string name, int status) => writer.Block(
        $"location {name}",
        () => writer.Line("root /nonexistent").Line(string.Create(CultureInfo.InvariantCulture, $"try_files /none ={status}")));

    // Not for 503, which nginx would count against the backend.
    private void Pass(string upstream, int tries)
    {
        if (tries == 1)
        {
            writer.Line("proxy_next_upstream off");
        }
        else
        {
            writer.Line("proxy_next_upstream error timeout invalid_header http_502 http_504 non_idempotent")
                .Line(string.Create(CultureInfo.InvariantCulture, $"proxy_next_upstream_tries {tries}"));
        }

        writer.Line($"proxy_pass http://{upstream}");
    }

    // A 503 is taken back and repeated. Nothing tells a 502 or 504 of a backend's from the ingress' own then; all else is left alone.
    private void PassAndTakeBack()
    {
        writer.Line("proxy_intercept_errors on")
            .Line($"error_page {OverLimit} =429 {Problem(429)}")
            .Line("error_page 502 = $after_502")
            .Line("error_page 503 = $after_503")
            .Line($"error_page 504 {Problem(504)}");
        Pass(NginxUpstreams.Available, Tries);
    }

    // What comes of these is the answer: $after_502 would lead here again.
    private void LastResort(string name, string upstream, int tries) => writer.Block($"location {name}", () =>
    {
        writer.Line("error_page 400 /.problem/400")
            .Line($"error_page 413 {Problem(413)}")
            .Line($"error_page 502 {Problem(502)}")
            .Line($"error_page 504 {Problem(504)}")
            .Line("proxy_buffering off");
        Pass(upstream, tries);
    });

    private void WriteProblem(int status, bool isSecure)
    {
        var name = status is 400 or 414 ? string.Create(CultureInfo.InvariantCulture, $"= /.problem/{status}") : Problem(status);
        WriteProblem(name, status, isSecure && status is 502 or 503 or 504 ? IngressProblem.RetryAfterSeconds : null, isLimit: isSecure && status == 429);
    }

    private void WriteProblem(string name, int status, int? retryAfterSeconds, bool isLimit) =>
        writer.Block($"location {name}", () =>
        {
            if (name.StartsWith('='))
            {
                writer.Line("internal");
            }

            if (retryAfterSeconds is { } seconds)
            {
                writer.Line(string.Create(CultureInfo.InvariantCulture, $"set {RetryAfter} {seconds}"));
            }
            else if (isLimit)
            {
                foreach (var (_, variable, value) in ProblemHeaders)
                {
                    writer.Line($"set {variable} {value}");
                }
            }

            writer.Line($"default_type {IngressProblem.ContentType}");
            var problem = IngressProblem.All.Single(problem => problem.Status == status);
            var number = status.ToString(CultureInfo.InvariantCulture);
            var errors = problem.Error(policy) is var (field, rule) ? $$""","errors":{"{{field}}":["{{rule}}"]}""" : "";
            var body = $$"""{"type":"{{problem.Type}}","title":"{{problem.Title}}","status":{{number}}{{errors}},"requestId":"$request_id","traceId":"$trace_id"}""";
            writer.Line($"return {number} {NginxText.Quote(body)}");
        });
}
