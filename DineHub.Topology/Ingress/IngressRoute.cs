namespace DineHub.Topology.Ingress;

/// <summary>Which requests count together against a client's rate.</summary>
public enum RateLimitKind
{
    /// <summary>Every request counts here.</summary>
    Client,

    /// <summary>Signing in and registering count here as well.</summary>
    SignIn,

    /// <summary>Placing orders counts here as well.</summary>
    Orders,
}

/// <summary>What the ingress passes on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">
/// The path, in ASP.NET Core's syntax: <c>{x}</c> stands for one segment, <c>{**rest}</c> for any number; neither case nor a slash at
/// the end matters, as they do not to the API.
/// </param>
/// <param name="Limit">Which of its POST requests count how; other methods count as <see cref="RateLimitKind.Client"/>.</param>
/// <param name="Streams">Whether answers are sent as they come (server-sent events), and end when the ingress stops.</param>
public sealed record IngressRoute(string Name, string Path, RateLimitKind Limit = RateLimitKind.Client, bool Streams = false)
{
    /// <summary>Every route, the more specific ones first. What none of them matches is 404: health, metrics and what operators alone may see are in none.</summary>
    public static IReadOnlyList<IngressRoute> All { get; } =
    [
        new("sign-in", "/api/v1/accounts/sign-in", RateLimitKind.SignIn),
        new("register", "/api/v1/accounts", RateLimitKind.SignIn),
        new("orders", "/api/v1/restaurants/{restaurant}/orders", RateLimitKind.Orders),
        new("order-events", "/api/v1/restaurants/{restaurant}/orders/{order}/events", Streams: true),
        new("kitchen-events", "/api/v1/restaurants/{restaurant}/kitchen/events", Streams: true),
        new("api", "/api/{**rest}"),
        new("contract", "/openapi/v1.json"),
        new("start", "/"),
        new("index", "/index.html"),
        new("icon", "/favicon.ico"),
        new("robots", "/robots.txt"),
        new("assets", "/assets/{**rest}"),
    ];

    /// <summary>The name of a kind of limit, as in RateLimit-Policy.</summary>
    /// <param name="kind">The kind.</param>
    public static string LimitName(RateLimitKind kind) => kind switch
    {
        RateLimitKind.SignIn => "sign-in",
        RateLimitKind.Orders => "orders",
        _ => "client",
    };
}
