using System.Globalization;
using DineHub.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>
/// nginx' configuration from the ingress policy and the topology: the text that machines run and that the conformance suite tests. Who starts
/// nginx says where its process id and its errors go, and whom it runs as.
/// </summary>
public sealed class NginxConfiguration
{
    // Beside each client's connection there may be one to a backend, and there are files, logs and listening sockets.
    private const int ConnectionsPerClient = 2;
    private const int OtherFiles = 512;

    private static readonly Version Http2Directive = new(1, 25, 1);

    private readonly IngressPolicy policy;
    private readonly NginxSettings settings;
    private readonly NginxText text = new();

    private NginxConfiguration(IngressPolicy policy, NginxSettings settings) => (this.policy, this.settings) = (policy, settings);

    /// <summary>Writes the whole configuration.</summary>
    /// <param name="policy">How the ingress behaves.</param>
    /// <param name="settings">Where it stands, and whom it serves.</param>
    /// <returns>The text of nginx.conf; the same for the same arguments.</returns>
    /// <exception cref="ArgumentException">A setting cannot stand in a configuration.</exception>
    public static string Write(IngressPolicy policy, NginxSettings settings)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(settings);
        settings.Check();
        return new NginxConfiguration(policy, settings).Write();
    }

    private string Write()
    {
        text.Comment("Written by DineHub.AppHost from the topology and its ingress policy (docs/ingress.md). Change those, not this file.")
            .Directive("worker_processes auto")
            .Directive(Invariant($"worker_rlimit_nofile {(ConnectionsPerClient * policy.MaxConnections) + OtherFiles}"))
            .Directive(Invariant($"worker_shutdown_timeout {policy.DrainSeconds}s"))
            .Blank()
            .Block("events", () => text.Directive(Invariant($"worker_connections {ConnectionsPerClient * policy.MaxConnections}")))
            .Blank()
            .Block("http", Http);
        return text.ToString();
    }

    private void Http()
    {
        text.Directive("server_tokens off")
            .Directive("access_log off")
            .Directive("merge_slashes off")
            .Directive("tcp_nodelay on")
            .Directive("reset_timedout_connection on");
        if (settings.TemporaryFolder is { } folder)
        {
            foreach (var use in new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" })
            {
                text.Directive($"{use}_temp_path {folder}/{use}");
            }
        }

        text.Blank().Comment("Clients: how slow, how long, how large.")
            .Directive(Invariant($"client_header_timeout {policy.RequestHeadersTimeoutSeconds}s"))
            .Directive(Invariant($"client_body_timeout {policy.RequestBodyTimeoutSeconds}s"))
            .Directive(Invariant($"send_timeout {policy.RequestBodyTimeoutSeconds}s"))
            .Directive(Invariant($"keepalive_timeout {policy.IdleTimeoutSeconds}s"))
            .Directive(Invariant($"large_client_header_buffers 1 {policy.MaxHeaderBytes}"))
            .Directive(Invariant($"client_max_body_size {policy.MaxBodyBytes}"))
            .Directive("client_body_buffer_size 16k")
            .Blank();
        Maps();
        Limits();
        Upstreams();
        Servers();
    }

    private void Maps()
    {
        text.Comment("A client is an IPv4 address, or an IPv6 network of 64 bits.");
        Map("$binary_remote_addr", "$dinehub_client", (Pattern("(?s)^(?<dinehub_network>.{8}).{8}$"), "$dinehub_network"), ("default", "$binary_remote_addr"));
        Map("$request_method:$dinehub_limit", "$dinehub_sign_in_client", ("\"POST:sign-in\"", "$dinehub_client"), ("default", "\"\""));
        Map("$request_method:$dinehub_limit", "$dinehub_orders_client", ("\"POST:orders\"", "$dinehub_client"), ("default", "\"\""));
        foreach (var (variable, value) in new (string, Func<RateLimitKind, string>)[]
        {
            ("$dinehub_limit_policy", kind => policy.LimitOf(kind).PolicyField(IngressRoute.LimitName(kind))),
            ("$dinehub_limit_state", kind => policy.LimitOf(kind).ExhaustedField(IngressRoute.LimitName(kind))),
            ("$dinehub_limit_over", kind => policy.LimitOf(kind).RetryAfterSeconds.ToString(CultureInfo.InvariantCulture)),
        })
        {
            Map(
                "$request_method:$dinehub_limit",
                variable,
                ("\"POST:sign-in\"", NginxText.Quote(value(RateLimitKind.SignIn))),
                ("\"POST:orders\"", NginxText.Quote(value(RateLimitKind.Orders))),
                ("default", NginxText.Quote(value(RateLimitKind.Client))));
        }

        text.Comment("What two servers may read in two ways, and first lines that are too long.");
        Map("$request_uri", "$dinehub_ambiguous", (Pattern(RequestTarget.AmbiguousPattern, ignoreCase: true), "1"), ("default", "0"));
        Map("$request_uri", "$dinehub_too_long", (Pattern(Invariant($"^.{{{policy.MaxRequestLineBytes}}}")), "1"), ("default", "0"));
        text.Comment("Requests that may not be repeated, and how many tries there were.");
        Map("$request_method:$http_idempotency_key", "$dinehub_once", (Pattern("^(GET|HEAD|PUT|DELETE|OPTIONS):"), "0"), (Pattern(":."), "0"), ("default", "1"));
        Map("$upstream_addr", "$dinehub_spent", (Pattern(Invariant($"^[^,]+(,[^,]+){{{policy.MaxFurtherTries}}}")), "1"), ("default", "0"));
        Map("$upstream_addr", "$dinehub_tried", ("backends", "0"), ("default", "1"));
        text.Comment("Traces: what is valid is passed on, all else replaced (W3C Trace Context).");
        Map("$request_id", "$dinehub_span", (Pattern("^(?<dinehub_half>.{16})"), "$dinehub_half"), ("default", "\"\""));
        const string Valid = "^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$";
        Map("$http_traceparent", "$dinehub_traceparent", (Pattern(Valid), "$http_traceparent"), ("default", "\"00-$request_id-$dinehub_span-00\""));
        Map("$http_traceparent", "$dinehub_tracestate", (Pattern(Valid), "$http_tracestate"), ("default", "\"\""));
        Map("$dinehub_traceparent", "$dinehub_trace", (Pattern("^..-(?<dinehub_trace_part>[0-9a-f]{32})-"), "$dinehub_trace_part"), ("default", "\"\""));
        text.Comment("Answers: HSTS not for this machine's own names, a backend's own Content-Security-Policy before ours.");
        Map(
            "$host",
            "$dinehub_hsts",
            ("localhost", "\"\""),
            ("127.0.0.1", "\"\""),
            ("\"[::1]\"", "\"\""),
            ("default", policy.HstsSeconds == 0 ? "\"\"" : Invariant($"\"max-age={policy.HstsSeconds}; includeSubDomains\"")));
        Map("$upstream_http_content_security_policy", "$dinehub_csp", ("\"\"", NginxText.Quote(IngressHeaders.ContentSecurityPolicy)), ("default", "\"\""));
        if (settings.Control is not null)
        {
            Map("$http_upgrade", "$dinehub_connection", ("\"\"", "close"), ("default", "upgrade"));
        }
    }

    private void Limits()
    {
        text.Comment("Each zone holds some 160,000 clients, and forgets the longest unseen.");
        foreach (var (name, key, limit) in LimitZones())
        {
            text.Directive(Invariant($"limit_req_zone {key} zone={name}:10m rate={limit.PerMinute}r/m"));
        }

        text.Directive(Invariant($"limit_req_status {NginxLocations.Limited}"))
            .Directive("limit_req_log_level notice")
            .Blank();
    }

    private void Upstreams()
    {
        var own = settings.Backends.Where(backend => backend.Region == settings.Region).ToList();
        var main = own.Count > 0 ? own : settings.Backends;
        text.Comment("Those of other regions are asked while none of the own region is available.");
        Upstream("backends", Invariant($"max_fails={policy.EjectAfterFailures} fail_timeout={policy.EjectionSeconds}s"), main, [.. settings.Backends.Except(main)]);
        text.Comment("All of them, whatever they did: for when none is available.");
        Upstream("every_backend", "max_fails=0", settings.Backends, []);
    }

    private void Upstream(string name, string health, IReadOnlyList<NginxBackend> backends, IReadOnlyList<NginxBackend> spare) => text.Block($"upstream {name}", () =>
    {
        text.Directive($"zone {name} 256k").Directive("least_conn");
        foreach (var backend in backends)
        {
            Server(backend, "");
        }

        foreach (var backend in spare)
        {
            Server(backend, " backup");
        }

        text.Directive("keepalive 64");

        void Server(NginxBackend backend, string role) =>
            text.Directive(Invariant($"server {backend.Host}:{backend.Port} {health}{role}{(settings.LooksUpAgain ? " resolve" : "")}"));
    }).Blank();

    private void Servers()
    {
        if (settings.Resolver is { } resolver)
        {
            text.Directive($"resolver {resolver} valid=30s").Directive("resolver_timeout 2s").Blank();
        }

        text.Block("server", () =>
        {
            Listen(settings.HttpPort, tls: false, isDefault: true);
            if (settings.AcmeFolder is { } folder)
            {
                text.Block("location ^~ /.well-known/acme-challenge/", () => text.Directive($"root {folder}").Directive("default_type text/plain"));
            }

            text.Block("location /", () => text.Directive($"return 308 https://$host{Port()}$request_uri"));
        }).Blank();
        text.Block("server", () =>
        {
            Listen(settings.HttpsPort, tls: true, isDefault: true);
            Tls(settings.CertificateFile, settings.CertificateKeyFile);
            new NginxLocations(text, policy, settings).Write([.. LimitZones().Select(zone => (zone.Name, zone.Limit))]);
        }).Blank();
        if (settings.Control is { } control)
        {
            Control(control);
        }

        text.Block("server", () =>
        {
            text.Directive($"listen {settings.ManagementAddress}")
                .Block("location = /health/ready", () => text.Directive("return 200"))
                .Block("location = /stub_status", () => text.Directive("stub_status"))
                .Block("location /", () => text.Directive("return 404"));
        });

        string Port() => settings.HttpsPort == 443 ? "" : Invariant($":{settings.HttpsPort}");
    }

    // Websockets that stay open for as long as a node is on the mesh.
    private void Control(NginxControl control) => text.Block("server", () =>
    {
        Listen(settings.HttpsPort, tls: true, isDefault: false);
        Tls(control.CertificateFile, control.CertificateKeyFile);
        text.Directive($"server_name {control.Domain}")
            .Block("location /", () => text
                .Directive($"proxy_pass http://{control.Address}")
                .Directive("proxy_http_version 1.1")
                .Directive("proxy_set_header Host $host")
                .Directive("proxy_set_header Upgrade $http_upgrade")
                .Directive("proxy_set_header Connection $dinehub_connection")
                .Directive("proxy_set_header X-Forwarded-For $remote_addr")
                .Directive("proxy_set_header X-Forwarded-Proto $scheme")
                .Directive("proxy_buffering off")
                .Directive("proxy_read_timeout 1h")
                .Directive("proxy_send_timeout 1h"));
    }).Blank();

    private void Listen(int port, bool tls, bool isDefault)
    {
        var directive = settings.Version >= Http2Directive;
        foreach (var address in settings.Addresses)
        {
            text.Directive(Invariant($"listen {address}:{port}{(isDefault ? " default_server" : "")}{(tls ? directive ? " ssl" : " ssl http2" : "")}"));
        }

        if (tls && directive)
        {
            text.Directive("http2 on");
        }
    }

    private void Tls(string certificate, string key) => text
        .Directive("http2_max_concurrent_streams 100")
        .Directive($"ssl_certificate {certificate}")
        .Directive($"ssl_certificate_key {key}")
        .Directive("ssl_protocols TLSv1.2 TLSv1.3")
        .Directive($"ssl_ciphers {string.Join(':', TlsProfile.Suites.Select(suite => suite.OpenSsl))}")
        .Directive("ssl_prefer_server_ciphers off")
        .Directive("ssl_session_cache shared:tls:10m")
        .Directive("ssl_session_timeout 1d")
        .Directive("ssl_session_tickets off");

    private (string Name, string Key, RateLimit Limit)[] LimitZones() =>
    [
        ("client", "$dinehub_client", policy.ClientLimit),
        ("sign_in", "$dinehub_sign_in_client", policy.SignInLimit),
        ("orders", "$dinehub_orders_client", policy.OrdersLimit),
    ];

    private void Map(string source, string variable, params (string Key, string Value)[] rows) => text.Block($"map {source} {variable}", () =>
    {
        foreach (var (key, value) in rows)
        {
            text.Directive($"{key} {value}");
        }
    }).Blank();

    private static string Pattern(string pattern, bool ignoreCase = false) => NginxText.Quote((ignoreCase ? "~*" : "~") + pattern);

    private static string Invariant(FormattableString value) => FormattableString.Invariant(value);
}
