using System.Globalization;
using System.Threading.RateLimiting;
using DineHub.Gateway.Proxying;
using DineHub.Topology.Ingress;

namespace DineHub.Gateway.Requests;

/// <summary>Refuses the requests of a client that sends too many: 429 with Retry-After and the RateLimit fields.</summary>
/// <param name="policy">How many are too many.</param>
/// <param name="metrics">Counts what is refused.</param>
internal sealed class ClientRates(IngressPolicy policy, GatewayMetrics metrics) : IDisposable
{
    private readonly PartitionedRateLimiter<ulong>[] buckets = [.. Enum.GetValues<RateLimitKind>().Select(kind => Buckets(policy.LimitOf(kind)))];

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // 404s count against the limit too.
        var kind = HttpMethods.IsPost(context.Request.Method) && IngressRoutes.Of(context) is { Limit: var limit } ? limit : RateLimitKind.Client;
        var client = ClientAddress.KeyOf(context);
        return TryTake(RateLimitKind.Client, client) && (kind == RateLimitKind.Client || TryTake(kind, client)) ? next(context) : Refuse(context, kind);
    }

    public void Dispose()
    {
        foreach (var one in buckets)
        {
            one.Dispose();
        }
    }

    private static PartitionedRateLimiter<ulong> Buckets(RateLimit limit)
    {
        var options = new TokenBucketRateLimiterOptions
        {
            TokenLimit = limit.Burst,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / limit.PerMinute,
            AutoReplenishment = false,
        };
        return PartitionedRateLimiter.Create<ulong, ulong>(client => RateLimitPartition.GetTokenBucketLimiter(client, _ => options));
    }

    private bool TryTake(RateLimitKind kind, ulong client)
    {
        using var lease = buckets[(int)kind].AttemptAcquire(client);
        return lease.IsAcquired;
    }

    private Task Refuse(HttpContext http, RateLimitKind kind)
    {
        var (name, limit) = (IngressRoute.LimitName(kind), policy.LimitOf(kind));
        metrics.Limited(name);
        var headers = http.Response.Headers;
        headers.RetryAfter = limit.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Policy"] = limit.PolicyField(name);
        headers["RateLimit"] = limit.ExhaustedField(name);
        http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        return Task.CompletedTask;
    }
}
