using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>An ingress of region 'eu' with backends behind it and clients in front of it.</summary>
internal sealed class IngressScene : IAsyncDisposable
{
    /// <summary>The region of the ingress.</summary>
    public const string Region = "eu";

    private readonly PortAllocator ports;
    private readonly TemporaryDirectory directory;
    private readonly List<HttpClient> clients = [];
    private readonly Dictionary<string, ScriptedBackend> backends;

    private IngressScene(PortAllocator ports, TemporaryDirectory directory, IngressSetup setup, IIngressUnderTest ingress)
    {
        (this.ports, this.directory) = (ports, directory);
        backends = setup.Backends.ToDictionary(backend => backend.Name);
        (Setup, Ingress) = (setup, ingress);
        Client = NewClient();
    }

    /// <summary>The policy where a case is not about limits: no rate is limited, and backends are asked for their health seldom.</summary>
    public static IngressPolicy Policy { get; } = new()
    {
        ClientLimit = new RateLimit(1_000_000, 100_000),
        SignInLimit = new RateLimit(1_000_000, 100_000),
        OrdersLimit = new RateLimit(1_000_000, 100_000),
        HealthIntervalMilliseconds = 60_000,
    };

    public IngressSetup Setup { get; }

    public IIngressUnderTest Ingress { get; }

    /// <summary>A client that speaks HTTPS to 127.0.0.1.</summary>
    public HttpClient Client { get; }

    public Uri Https => new($"https://127.0.0.1:{Setup.HttpsPort}");

    public Uri Http => new($"http://127.0.0.1:{Setup.HttpPort}");

    public IReadOnlyCollection<ScriptedBackend> Backends => backends.Values;

    /// <summary>All that the backends have been sent.</summary>
    public IReadOnlyList<RecordedRequest> Seen => [.. Backends.SelectMany(backend => backend.Requests)];

    public ScriptedBackend this[string name] => backends[name];

    /// <summary>Starts all of it.</summary>
    /// <param name="kind">Which ingress.</param>
    /// <param name="policy">Its policy; <see cref="Policy"/> where none is given.</param>
    /// <param name="backends">The backends' names; what stands before the dash is the region.</param>
    /// <param name="asProcess">Whether it must be a process, with signals and a limit of open files of its own. nginx always is.</param>
    public static async Task<IngressScene> StartAsync(IngressKind kind, IngressPolicy? policy = null, string backends = "eu-1 eu-2 us-1", bool asProcess = false)
    {
        var ports = new PortAllocator();
        var directory = new TemporaryDirectory();
        var setup = new IngressSetup(
            policy ?? Policy,
            Region,
            [.. backends.Split(' ').Select(name => new ScriptedBackend(name, ports.Next()))],
            ports.Next(),
            ports.Next(),
            ports.Next(),
            TestCertificate.Create(directory.Path),
            Path.Combine(directory.Path, "maintenance"),
            directory.Path);
        try
        {
            return new IngressScene(ports, directory, setup, kind switch
            {
                IngressKind.Nginx => await NginxIngress.StartAsync(setup),
                _ when asProcess => await GatewayProcess.StartAsync(setup),
                _ => await GatewayInProcess.StartAsync(setup),
            });
        }
        catch
        {
            await CleanAsync(ports, directory, setup);
            throw;
        }
    }

    /// <summary>A further client, with connections of its own.</summary>
    /// <param name="from">The address that it has.</param>
    /// <param name="version">The version of HTTP that it speaks, 1.1 where none is given.</param>
    public HttpClient NewClient(IPAddress? from = null, Version? version = null)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(Setup.Certificate.Certificate) },
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    socket.Bind(new IPEndPoint(from ?? IPAddress.Loopback, 0));
                    await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        var client = new HttpClient(handler)
        {
            BaseAddress = Https,
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        clients.Add(client);
        return client;
    }

    /// <summary>Sends a request by the scene's client, and reads the whole answer.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path and query.</param>
    /// <param name="body">The body, if there is one.</param>
    /// <param name="fields">Header fields: <c>Name: value</c>.</param>
    public Task<Answer> SendAsync(string method, string path, HttpContent? body = null, params string[] fields) =>
        SendAsync(Client, method, path, body, fields);

    /// <summary>Sends a request by another client.</summary>
    public static async Task<Answer> SendAsync(HttpClient client, string method, string path, HttpContent? body = null, params string[] fields)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body, Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        foreach (var field in fields)
        {
            var colon = field.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(field[..colon], field[(colon + 1)..].Trim()).ShouldBeTrue(field);
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await Answer.ReadAsync(response);
    }

    public Task<Answer> GetAsync(string path, params string[] fields) => SendAsync("GET", path, null, fields);

    /// <summary>The number of requests that each backend answers.</summary>
    public async Task<IReadOnlyDictionary<string, int>> AnswersAsync(int requests, int atOnce = 1)
    {
        var answers = new string?[requests];
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (i, _) =>
        {
            var answer = await GetAsync("/api/v1/x");
            answer.Status.ShouldBe(200, answer.Text);
            answers[i] = answer.Backend;
        });
        return answers.GroupBy(name => name!).ToDictionary(group => group.Key, group => group.Count());
    }

    /// <summary>A connection over TLS, for what no client library sends.</summary>
    /// <param name="protocol">What is asked for by ALPN; HTTP/1.1 where nothing is given.</param>
    /// <param name="versions">The versions of TLS; whatever the machine has where nothing is given.</param>
    public Task<RawConnection> ConnectAsync(SslApplicationProtocol? protocol = null, SslProtocols versions = SslProtocols.None) =>
        RawConnection.OpenAsync(Setup.HttpsPort, new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = Trust(Setup.Certificate.Certificate),
            ApplicationProtocols = [protocol ?? SslApplicationProtocol.Http11],
            EnabledSslProtocols = versions,
        });

    /// <summary>A connection without TLS.</summary>
    public Task<RawConnection> ConnectPlainAsync() => RawConnection.OpenAsync(Setup.HttpPort, tls: null);

    /// <summary>Sends text by a connection of its own, and reads one answer.</summary>
    public async Task<Answer> SendRawAsync(string text)
    {
        await using var connection = await ConnectAsync();
        await connection.SendAsync(text);
        return (await connection.ReadAnswerAsync()).ShouldNotBeNull("The connection was closed without an answer.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }

        await Ingress.DisposeAsync();
        await CleanAsync(ports, directory, Setup);
    }

    private static async Task CleanAsync(PortAllocator ports, TemporaryDirectory directory, IngressSetup setup)
    {
        foreach (var backend in setup.Backends)
        {
            await backend.DisposeAsync();
        }

        setup.Certificate.Dispose();
        directory.Dispose();
        ports.Dispose();
    }

    private static X509ChainPolicy Trust(X509Certificate2 certificate) => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        CustomTrustStore = { certificate },
    };
}
