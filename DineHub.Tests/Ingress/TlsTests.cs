using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>What an ingress speaks to clients, and how it brings them to HTTPS.</summary>
public sealed class TlsTests(SharedScenes scenes) : IClassFixture<SharedScenes>
{
    private const byte Alert = 21;
    private const byte Handshake = 22;

    // ECDHE with AES in GCM, for either kind of certificate, of which one must do.
    private static readonly ushort[] Good = [0xc02b, 0xc02f];

    [Theory, OnGateway, OnNginx]
    [Case(SslProtocols.Tls12)]
    [Case(SslProtocols.Tls13)]
    public async Task Both_versions_that_are_safe_are_spoken(IngressKind ingress, SslProtocols version)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectAsync(versions: version);
        connection.Tls!.SslProtocol.ShouldBe(version);
        var names = TlsProfile.Tls13Suites.Concat(TlsProfile.Suites.Select(suite => suite.Iana));
        names.ShouldContain(connection.Tls.NegotiatedCipherSuite.ToString());
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (await connection.ReadAnswerAsync()).ShouldNotBeNull().Status.ShouldBe(200);
    }

    [Theory, OnGateway, OnNginx]
    public async Task A_hello_of_TLS_1_2_with_a_good_suite_is_answered(IngressKind ingress) =>
        (await AnswerToAsync(ingress, TlsClientHello.Write(0x0303, Good))).ShouldBe(Handshake);

    [Theory, OnGateway, OnNginx]
    [Case(0x0300)]
    [Case(0x0301)]
    [Case(0x0302)]
    public async Task Older_versions_are_refused(IngressKind ingress, int version) =>
        (await AnswerToAsync(ingress, TlsClientHello.Write((ushort)version, [.. Good, 0xc009, 0xc013, 0xc00a, 0xc014, 0x002f, 0x0035]))).ShouldBe(Alert);

    [Theory, OnGateway, OnNginx]
    [Case("ECDHE, CBC, SHA-1", new[] { 0xc009, 0xc013, 0xc00a, 0xc014 })]
    [Case("ECDHE, CBC, SHA-2", new[] { 0xc023, 0xc027, 0xc024, 0xc028 })]
    [Case("RSA, GCM", new[] { 0x009c, 0x009d })]
    [Case("RSA, CBC", new[] { 0x002f, 0x0035, 0x003c, 0x003d, 0x000a })]
    [Case("DHE", new[] { 0x009e, 0x009f, 0xccaa, 0x0033, 0x0039 })]
    [Case("CCM", new[] { 0xc0ac, 0xc0ad, 0xc0ae, 0xc09c })]
    [Case("RC4, export, NULL, anonymous", new[] { 0x0005, 0x0004, 0x0003, 0x0002, 0xc006, 0xc010, 0xc018, 0x00a6 })]
    public async Task Suites_without_forward_secrecy_and_authenticated_encryption_are_refused(IngressKind ingress, string name, int[] suites)
    {
        name.ShouldNotBeEmpty();
        (await AnswerToAsync(ingress, TlsClientHello.Write(0x0303, [.. suites.Select(suite => (ushort)suite)]))).ShouldBe(Alert);
    }

    [Theory, OnGateway, OnNginx]
    public async Task HTTP_2_is_agreed_on_where_the_client_knows_it(IngressKind ingress)
    {
        var scene = await scenes.GetAsync(ingress);
        await using (var connection = await scene.ConnectAsync(SslApplicationProtocol.Http2))
        {
            connection.Tls!.NegotiatedApplicationProtocol.ShouldBe(SslApplicationProtocol.Http2);
        }

        using var client = scene.NewClient(version: HttpVersion.Version20);
        (await IngressScene.SendAsync(client, "GET", "/api/v1/x")).Version.ShouldBe(HttpVersion.Version20);
        (await scene.GetAsync("/api/v1/x")).Version.ShouldBe(HttpVersion.Version11);
    }

    [Theory, OnGateway, OnNginx]
    [Case("GET", "/")]
    [Case("GET", "/api/v1/x?y=1&z=a%20b")]
    [Case("POST", "/api/v1/accounts/sign-in?next=%2F")]
    [Case("HEAD", "/metrics")]
    [Case("DELETE", "/api/v1/Zo%C3%AB")]
    public async Task Requests_without_TLS_are_sent_to_where_there_is(IngressKind ingress, string method, string target)
    {
        var scene = await scenes.GetAsync(ingress);
        foreach (var host in new[] { "localhost", "127.0.0.1", "dinehub.example" })
        {
            await using var connection = await scene.ConnectPlainAsync();
            await connection.SendAsync($"{method} {target} HTTP/1.1\r\nHost: {host}:{scene.Setup.HttpPort}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            var head = await connection.ReadHeadAsync();
            head.ShouldStartWith("HTTP/1.1 308 ");
            head.Split("\r\n").ShouldContain($"Location: https://{host}:{scene.Setup.HttpsPort}{target}");
            head.ShouldNotContain("Strict-Transport-Security", Case.Insensitive);
        }

        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("/%0d%0aSet-Cookie:%20evil=1")]
    [Case("/api/v1/x?%0d%0aSet-Cookie:%20evil=1")]
    [Case("/api/%0d%0a%0d%0a<script>")]
    [Case("//evil.example/x")]
    [Case("/%5cevil.example/x")]
    public async Task No_path_makes_anything_else_of_the_redirection(IngressKind ingress, string target)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await scene.ConnectPlainAsync();
        await connection.SendAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        var answer = (await connection.ReadAnswerAsync()).ShouldNotBeNull();
        answer["Set-Cookie"].ShouldBeNull();
        answer.Status.ShouldBeOneOf(308, 400);
        (answer["Location"] ?? $"https://localhost:{scene.Setup.HttpsPort}/").ShouldStartWith($"https://localhost:{scene.Setup.HttpsPort}/");
        scene.Seen.ShouldBeEmpty();
    }

    [Theory, OnGateway, OnNginx]
    [Case("dinehub.example", true)]
    [Case("DINEHUB.example:8443", true)]
    [Case("localhost", false)]
    [Case("LOCALHOST:8443", false)]
    [Case("127.0.0.1", false)]
    [Case("127.0.0.1:8443", false)]
    [Case("[::1]:8443", false)]
    public async Task Browsers_are_told_to_insist_on_TLS_but_not_for_localhost(IngressKind ingress, string host, bool told)
    {
        var scene = await scenes.GetAsync(ingress);
        foreach (var path in new[] { "/api/v1/x", "/metrics", "/api/../x" })
        {
            var answer = await scene.SendRawAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            answer["Strict-Transport-Security"].ShouldBe(told ? $"max-age={scene.Setup.Policy.HstsSeconds}; includeSubDomains" : null, path);
        }
    }

    [Theory, OnGateway, OnNginx]
    public async Task Without_a_time_in_the_policy_browsers_are_told_nothing(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { HstsSeconds = 0 }, "eu-1");
        (await scene.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: dinehub.example\r\n\r\n"))["Strict-Transport-Security"].ShouldBeNull();
    }

    // The type of the record that comes back: an alert, or the handshake's next message.
    private async Task<byte> AnswerToAsync(IngressKind ingress, byte[] hello)
    {
        var scene = await scenes.GetAsync(ingress);
        await using var connection = await RawConnection.OpenAsync(scene.Setup.HttpsPort, tls: null);
        await connection.SendAsync(hello);
        var record = new byte[1];

        // A close without an alert is a refusal too.
        try
        {
            return await connection.Stream.ReadAsync(record).AsTask().OrFailAsync("the greeting is answered or the connection closed") == 0 ? Alert : record[0];
        }
        catch (IOException)
        {
            return Alert;
        }
    }
}
