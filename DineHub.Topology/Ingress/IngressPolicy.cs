namespace DineHub.Topology.Ingress;

/// <summary>
/// How an ingress behaves: the one record that YARP is configured from and nginx' configuration is generated from. The setting of a
/// property has its name, below <c>Ingress</c>: <c>Ingress:EjectionSeconds</c>, <c>Ingress:RateLimits:Orders:Burst</c>.
/// </summary>
public sealed record IngressPolicy
{
    /// <summary>For how many seconds browsers insist on HTTPS (RFC 6797), 0 to 63,072,000; 0 sends no header. Never sent for localhost, where it would bind other projects.</summary>
    public int HstsSeconds { get; init; } = 31_536_000;

    /// <summary>How long a connection to a backend may take, 50 to 60,000 ms.</summary>
    public int ConnectTimeoutMilliseconds { get; init; } = 2000;

    /// <summary>How long a backend may be silent, before its answer and within it, 1 to 3600 s. Streams send a heartbeat every 10 s.</summary>
    public int ResponseTimeoutSeconds { get; init; } = 30;

    /// <summary>How long a client may take for the head of a request, 1 to 120 s.</summary>
    public int RequestHeadersTimeoutSeconds { get; init; } = 10;

    /// <summary>How long a client may be silent within the body of a request, or while it is sent an answer, 1 to 120 s.</summary>
    public int RequestBodyTimeoutSeconds { get; init; } = 10;

    /// <summary>How long a client's connection is kept without a request, 1 to 3600 s.</summary>
    public int IdleTimeoutSeconds { get; init; } = 75;

    /// <summary>How long requests that are under way may take to end once the ingress is told to stop, 1 to 600 s.</summary>
    public int DrainSeconds { get; init; } = 20;

    /// <summary>The longest body of a request, 1 KiB to 100 MiB, in bytes; a longer one is 413.</summary>
    public int MaxBodyBytes { get; init; } = 1024 * 1024;

    /// <summary>The longest first line of a request, 1 to 64 KiB, in bytes; a longer one is 414.</summary>
    public int MaxRequestLineBytes { get; init; } = 8 * 1024;

    /// <summary>The most that the header fields of a request may have together, 4 to 256 KiB, in bytes; more is 431.</summary>
    public int MaxHeaderBytes { get; init; } = 32 * 1024;

    /// <summary>How many clients' connections are open at most, 100 to 1,000,000.</summary>
    public int MaxConnections { get; init; } = 16_384;

    /// <summary>How often a request that may be repeated is sent to another backend, 0 to 5.</summary>
    public int MaxFurtherTries { get; init; } = 2;

    /// <summary>Further tries as a share of the requests, 0 to 100 percent.</summary>
    public int RetryBudgetPercent { get; init; } = 10;

    /// <summary>After how many failures within <see cref="EjectionSeconds"/> a backend gets no requests for a while, 1 to 100. Failures are refused and broken connections, time-outs, 502 and 504.</summary>
    public int EjectAfterFailures { get; init; } = 3;

    /// <summary>For how long a backend that has failed gets no requests, 1 to 3600 s.</summary>
    public int EjectionSeconds { get; init; } = 10;

    /// <summary>How often each backend is asked for its health, 100 to 60,000 ms; by YARP only.</summary>
    public int HealthIntervalMilliseconds { get; init; } = 2000;

    /// <summary>How long it may take to tell its health, 100 to 60,000 ms; by YARP only.</summary>
    public int HealthTimeoutMilliseconds { get; init; } = 2000;

    /// <summary>After how many unanswered questions in a row a backend counts as unhealthy, 1 to 100; by YARP only.</summary>
    public int HealthFailures { get; init; } = 2;

    /// <summary>What Retry-After says during maintenance, 1 to 86,400 s.</summary>
    public int MaintenanceRetryAfterSeconds { get; init; } = 60;

    /// <summary>All requests of one client.</summary>
    public RateLimit ClientLimit { get; init; } = new(PerMinute: 6000, Burst: 200);

    /// <summary>One client's signing in and registering.</summary>
    public RateLimit SignInLimit { get; init; } = new(PerMinute: 10, Burst: 10);

    /// <summary>One client's placing of orders.</summary>
    public RateLimit OrdersLimit { get; init; } = new(PerMinute: 60, Burst: 20);

    /// <summary>The limit of a route.</summary>
    /// <param name="kind">Which one.</param>
    public RateLimit LimitOf(RateLimitKind kind) => kind switch
    {
        RateLimitKind.SignIn => SignInLimit,
        RateLimitKind.Orders => OrdersLimit,
        _ => ClientLimit,
    };
}
