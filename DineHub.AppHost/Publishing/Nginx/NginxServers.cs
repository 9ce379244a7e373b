using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes the servers: for HTTP, HTTPS, the mesh's control server, and management.</summary>
/// <param name="writer">Where to.</param>
/// <param name="policy">The policy.</param>
/// <param name="settings">The machine's settings.</param>
/// <param name="upstreams">The groups of servers.</param>
internal sealed class NginxServers(NginxWriter writer, IngressPolicy policy, NginxSettings settings, NginxUpstreams upstreams)
{
    private static readonly Version Http2Version = new(1, 25, 1);

    private readonly NginxLocations locations = new(writer, policy, upstreams);

    private bool HasHttp2Directive => settings.Version >= Http2Version;

    private string ServerNames => settings.ServerNames.Count == 0 ? "_" : string.Join(' ', settings.ServerNames.Select(name => NginxText.Name(name, nameof(settings.ServerNames))));

    public void Write()
    {
        writer.Comment("HTTP: redirects to HTTPS.");
        writer.Block("server", WriteRedirects);
        writer.Gap().Comment("HTTPS.");
        writer.Block("server", WriteMain);
        if (settings.Control is { } control)
        {
            writer.Gap().Comment("The mesh's control server: upgraded, long-lived connections.");
            writer.Block("server", () => WriteControl(control));
        }

        writer.Gap().Comment("Health and metrics, for this machine only.");
        writer.Block("server", WriteManagement);
    }

    private void Listen(int port, string setting, string options)
    {
        if (settings.ListenAddresses.Count == 0)
        {
            throw new ArgumentException($"{nameof(settings.ListenAddresses)}: there must be at least one.", setting);
        }

        foreach (var address in settings.ListenAddresses)
        {
            writer.Line($"listen {NginxText.IpAddress(address, nameof(settings.ListenAddresses), port, setting)}{options}");
        }
    }

    private void WriteRedirects()
    {
        Listen(settings.HttpPort, nameof(settings.HttpPort), " default_server");
        writer.Line($"server_name {ServerNames}").Line("client_max_body_size 0");
        locations.AnswerHeaders(isSecure: false);
        locations.ErrorPagesOfRedirects();
        if (settings.AcmeRoot is { } root)
        {
            writer.Block("location ^~ /.well-known/acme-challenge/", () => writer
                .Line($"root {NginxText.File(root, nameof(settings.AcmeRoot))}")
                .Line("default_type text/plain"));
        }

        var port = settings.HttpsPort == 443 ? "" : string.Create(CultureInfo.InvariantCulture, $":{settings.HttpsPort}");
        writer.Block("location /", () => writer
            .Block("if ($forwarded_host = \"\")", () => writer.Line("return 400"))
            .Line($"return 308 https://$host{port}$request_uri"));
        locations.WriteProblemsOfRedirects();
    }

    private void WriteTls(string role)
    {
        Listen(settings.HttpsPort, nameof(settings.HttpsPort), $" ssl{(HasHttp2Directive ? "" : " http2")}{role}");
        if (HasHttp2Directive)
        {
            writer.Line("http2 on");
        }

        writer.Line($"ssl_certificate {NginxText.File(settings.CertificateFile, nameof(settings.CertificateFile))}")
            .Line($"ssl_certificate_key {NginxText.File(settings.CertificateKeyFile, nameof(settings.CertificateKeyFile))}");
    }

    private void WriteMain()
    {
        WriteTls(" default_server");
        writer.Line($"server_name {ServerNames}").Gap();
        WriteBodyLimits();
        foreach (var (kind, zone, _) in NginxVariables.Limits)
        {
            // The first request is not part of nginx' burst, which cannot be 0.
            var burst = policy.LimitOf(kind).Burst - 1;
            writer.Line($"limit_req zone={zone}" + (burst > 0 ? string.Create(CultureInfo.InvariantCulture, $" burst={burst} nodelay") : ""));
        }

        writer.Line(string.Create(CultureInfo.InvariantCulture, $"limit_req_status {NginxLocations.OverLimit}")).Gap();
        WriteProxy();
        writer.Gap();
        locations.AnswerHeaders(isSecure: true);
        writer.Gap();
        locations.ErrorPages();
        writer.Gap();
        locations.Write(NginxText.File(settings.MaintenanceFile, nameof(settings.MaintenanceFile)));
    }

    private void WriteBodyLimits() => writer
        .Line(string.Create(CultureInfo.InvariantCulture, $"client_max_body_size {policy.MaxBodyBytes}"))
        .Line("client_body_buffer_size 64k");

    private void WriteProxy()
    {
        writer.Comment("To the backends: the body is buffered, so that a slow client holds no backend and a request can be retried.")
            .Line("proxy_http_version 1.1")
            .Line("proxy_request_buffering on")
            .Line(string.Create(CultureInfo.InvariantCulture, $"proxy_buffer_size {IngressHeaders.MaxResponseHeadKibibytes}k"))
            .Line("proxy_buffers 16 16k")
            .Line("proxy_busy_buffers_size 32k")
            .Line("proxy_max_temp_file_size 0")
            .Line("proxy_redirect off")
            .Line(string.Create(CultureInfo.InvariantCulture, $"proxy_connect_timeout {policy.ConnectTimeoutMilliseconds}ms"))
            .Line(string.Create(CultureInfo.InvariantCulture, $"proxy_send_timeout {policy.ResponseTimeoutSeconds}s"))
            .Line(string.Create(CultureInfo.InvariantCulture, $"proxy_read_timeout {policy.ResponseTimeoutSeconds}s"));
        (string Name, string Value)[] set =
        [
            ("Host", "$host"),
            ("X-Forwarded-For", "$remote_addr"),
            ("X-Forwarded-Proto", "$scheme"),
            ("X-Forwarded-Host", "$forwarded_host"),
            (IngressHeaders.RequestId, "$request_id"),
            ("traceparent", "$traceparent"),
            ("tracestate", "$tracestate"),
        ];
        var dropped = IngressHeaders.HopByHop.Concat(IngressHeaders.Distrusted).Except(set.Select(header => header.Name), StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in set.Concat(dropped.Select(name => (name, "\"\""))))
        {
            writer.Line($"proxy_set_header {name} {value}");
        }

        writer.Comment("From the backends.");
        var hidden = IngressHeaders.Security.Select(header => header.Key)
            .Append("Strict-Transport-Security")
            .Append(IngressHeaders.RequestId)
            .Concat(IngressHeaders.BackendOnly)
            .Concat(IngressHeaders.HopByHop.Except(["Connection"]));
        foreach (var name in hidden)
        {
            writer.Line($"proxy_hide_header {name}");
        }

        writer.Line($"proxy_ignore_headers {string.Join(' ', IngressHeaders.BackendOnly.Where(name => name.StartsWith("X-Accel-", StringComparison.Ordinal)))}");
    }

    private void WriteControl(NginxControl control)
    {
        WriteTls("");
        writer.Line($"server_name {NginxText.Name(control.ServerName, nameof(settings.Control))}");
        WriteBodyLimits();
        writer.Block("location /", () => writer
            .Line("proxy_http_version 1.1")
            .Line("proxy_set_header Host $host")
            .Line("proxy_set_header Upgrade $http_upgrade")
            .Line("proxy_set_header Connection $control_connection")
            .Line("proxy_set_header X-Forwarded-For $remote_addr")
            .Line("proxy_set_header X-Forwarded-Proto $scheme")
            .Line("proxy_set_header Proxy \"\"")
            .Line("proxy_buffering off")
            .Line("proxy_request_buffering off")
            .Line("proxy_read_timeout 1d")
            .Line("proxy_send_timeout 1d")
            .Line($"proxy_pass http://{NginxUpstreams.Control}"));
    }

    private void WriteManagement() => writer
        .Line($"listen {NginxText.IpAddress(settings.ManagementAddress, nameof(settings.ManagementAddress), settings.ManagementPort, nameof(settings.ManagementPort))}")
        .Line("access_log off")
        .Block("location = /health", () => writer.Line("default_type text/plain").Line("return 200 \"Healthy\""))
        .Block("location = /nginx_status", () => writer.Line("stub_status"))
        .Block("location /", () => writer.Line("return 404"));
}
