using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>What nginx does on machines only: challenges, management, the log, and the way to the mesh's control server.</summary>
public sealed class NginxMachineTests : IAsyncLifetime
{
    private const string ControlName = "control.dinehub.example";

    private readonly TemporaryDirectory directory = new();
    private readonly PortAllocator ports = new();
    private readonly TestCertificate certificate;
    private readonly TcpListener control = new(IPAddress.Loopback, 0);
    private readonly HttpClient client;
    private NginxSettings? settings;
    private NginxProcess? nginx;

    public NginxMachineTests()
    {
        certificate = TestCertificate.Create(directory.Path);
        control.Start();
        client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, presented, _, _) => certificate.IsThis(presented) },
        });
    }

    private string AccessLog => Path.Combine(directory.Path, "access.log");

    private Uri Http => new($"http://127.0.0.1:{settings!.HttpPort}");

    private Uri Https => new($"https://127.0.0.1:{settings!.HttpsPort}");

    private Uri Management => new($"http://127.0.0.1:{settings!.ManagementPort}");

    [NginxFact]
    public async Task Challenges_of_the_certificate_authority_are_answered_without_TLS()
    {
        await StartAsync();
        var folder = Directory.CreateDirectory(Path.Combine(directory.Path, "acme", ".well-known", "acme-challenge")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), "token.thumbprint");
        (await client.GetStringAsync(new Uri(Http, "/.well-known/acme-challenge/token"))).ShouldBe("token.thumbprint");
        (await client.GetAsync(new Uri(Http, "/.well-known/acme-challenge/other"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await client.GetAsync(new Uri(Http, "/.well-known/other"))).StatusCode.ShouldBe(HttpStatusCode.PermanentRedirect);
    }

    [NginxFact]
    public async Task Health_and_numbers_are_at_the_management_port_alone()
    {
        await StartAsync();
        (await client.GetAsync(new Uri(Management, "/health"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetStringAsync(new Uri(Management, "/nginx_status"))).ShouldContain("Active connections: ");
        (await client.GetAsync(new Uri(Management, "/api/v1/restaurants"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        foreach (var path in new[] { "/health", "/nginx_status" })
        {
            (await client.GetAsync(new Uri(Https, path))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
    }

    [NginxFact]
    public async Task The_log_has_a_line_of_JSON_for_each_request_and_no_secrets()
    {
        await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Https, "/api/v1/\"quoted\"?token=secret"));
        request.Headers.Authorization = new("Bearer", "secret");
        request.Headers.Add("Cookie", "secret=secret");
        request.Headers.Referrer = new Uri("https://dinehub.example/?secret");
        var id = (await client.SendAsync(request)).Headers.GetValues(IngressHeaders.RequestId).Single();
        var text = "";
        await Eventually.TrueAsync(() => (text = File.ReadAllText(AccessLog)).EndsWith('\n'), "the line is written");
        text.ShouldNotContain("secret");
        var line = JsonDocument.Parse(text.Split('\n').First()).RootElement;
        line.GetProperty("requestId").GetString().ShouldBe(id);
        line.GetProperty("path").GetString().ShouldBe("/api/v1/\"quoted\"");
        line.GetProperty("status").GetInt32().ShouldBe(502);
        line.GetProperty("client").GetString().ShouldBe("127.0.0.1");
    }

    [NginxFact]
    public async Task Connections_to_the_control_server_are_upgraded_and_relayed_both_ways()
    {
        await StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, settings!.HttpsPort).OrFailAsync("nginx accepts the connection");
        await using var tls = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, (_, presented, _, _) => certificate.IsThis(presented));
        await tls.AuthenticateAsClientAsync(ControlName).OrFailAsync("TLS is agreed on");
        await tls.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /ts2021 HTTP/1.1\r\nHost: {ControlName}\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\nX-Tailscale-Handshake: a\r\nContent-Length: 0\r\n\r\n"));

        using var accepted = await control.AcceptTcpClientAsync().OrFailAsync("nginx connects to the control server");
        await using var server = accepted.GetStream();
        var head = await ReadHeadAsync(server);
        head.ShouldStartWith("POST /ts2021 HTTP/1.1\r\n");
        head.ShouldContain("\r\nUpgrade: tailscale-control-protocol\r\n");
        head.ShouldContain("\r\nConnection: upgrade\r\n");
        head.ShouldContain($"\r\nHost: {ControlName}\r\n");
        await server.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n\r\n"u8.ToArray());
        (await ReadHeadAsync(tls)).ShouldStartWith("HTTP/1.1 101 ");

        await tls.WriteAsync("from the node"u8.ToArray());
        (await ReadAsync(server, "from the node".Length)).ShouldBe("from the node");
        await server.WriteAsync("from the server"u8.ToArray());
        (await ReadAsync(tls, "from the server".Length)).ShouldBe("from the server");
    }

    [NginxFact]
    public async Task A_backend_that_is_added_gets_requests_after_a_reload_and_none_is_broken_by_it()
    {
        await using var first = new ScriptedBackend("eu-1", ports.Next());
        await using var second = new ScriptedBackend("eu-2", ports.Next());
        var free = new TaskCompletionSource();
        first.Script = BackendScripts.After(free.Task, BackendScripts.Normal);
        await StartAsync(first);
        var held = client.GetAsync(new Uri(Https, "/api/v1/held"));
        await Eventually.TrueAsync(() => first.Count == 1, "the backend has the request");

        await nginx!.ReloadAsync(NginxConfiguration.Write(new IngressPolicy(), settings! with { Backends = [ToNginx(first), ToNginx(second)] }));
        first.Script = BackendScripts.Normal;
        await Eventually.TrueAsync(
            async () =>
            {
                (await client.GetAsync(new Uri(Https, "/api/v1/x"))).StatusCode.ShouldBe(HttpStatusCode.OK);
                return second.Count > 0;
            },
            "the backend that was added gets requests");
        held.IsCompleted.ShouldBeFalse();
        free.SetResult();
        (await held).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        client.Dispose();
        control.Dispose();
        await (nginx?.DisposeAsync() ?? ValueTask.CompletedTask);
        certificate.Dispose();
        ports.Dispose();
        directory.Dispose();
    }

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append(await ReadAsync(stream, 1));
        }

        return head.ToString();
    }

    private static async Task<string> ReadAsync(Stream stream, int length)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes).OrFailAsync("what was sent arrives");
        return Encoding.ASCII.GetString(bytes);
    }

    private static NginxBackend ToNginx(ScriptedBackend backend) => new(backend.Name, "eu", "127.0.0.1", backend.Port);

    private async Task StartAsync(ScriptedBackend? backend = null)
    {
        settings = new NginxSettings
        {
            Region = "eu",
            Backends = [backend is null ? new NginxBackend("absent", "eu", "127.0.0.1", ports.Next()) : ToNginx(backend)],
            ListenAddresses = ["127.0.0.1"],
            HttpPort = ports.Next(),
            HttpsPort = ports.Next(),
            ManagementPort = ports.Next(),
            CertificateFile = certificate.CertificateFile,
            CertificateKeyFile = certificate.KeyFile,
            MaintenanceFile = Path.Combine(directory.Path, "maintenance"),
            AcmeRoot = Path.Combine(directory.Path, "acme"),
            AccessLog = AccessLog,
            Control = new NginxControl(ControlName, "127.0.0.1", ((IPEndPoint)control.LocalEndpoint).Port),
            TemporaryFolder = directory.Path,
            Version = await NginxProcess.InstalledVersionAsync(),
        };
        nginx = await NginxProcess.StartAsync(directory.Path, NginxConfiguration.Write(new IngressPolicy(), settings), settings.HttpsPort);
    }
}
