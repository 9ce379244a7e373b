using DineHub.Gateway.Balancing;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace DineHub.Gateway.Retries;

/// <summary>
/// Sends a request to another backend when one fails before its answer has begun: requests of idempotent methods (RFC 9110, section
/// 9.2.2), and others that carry an Idempotency-Key. At most two further tries, within the budget.
/// </summary>
/// <param name="next">The rest of the proxy's pipeline.</param>
/// <param name="budget">The budget of this gateway.</param>
/// <param name="logger">The log.</param>
internal sealed partial class RetryMiddleware(RequestDelegate next, RetryBudget budget, ILogger<RetryMiddleware> logger)
{
    public const string KeyHeader = "Idempotency-Key";
    private const int MostFurtherTries = 2;
    private const string RetryAfterSeconds = "1";

    public async Task InvokeAsync(HttpContext http)
    {
        budget.OnRequest();
        var retryable = IsRetryable(http.Request);
        if (retryable && http.Request.ContentLength != 0)
        {
            // The body must be there again for a further try. It is kept in memory: it is not longer than the gateway takes at all.
            http.Request.EnableBuffering(bufferThreshold: (int)GatewayApplication.MostBodyBytes, bufferLimit: GatewayApplication.MostBodyBytes);
        }

        var proxy = http.GetReverseProxyFeature();
        var available = proxy.AvailableDestinations;
        var failed = new HashSet<DestinationState>();
        for (var further = 0; ; further++)
        {
            await next(http);
            if (http.GetForwarderErrorFeature() is not { Error: var error } || http.Response.HasStarted)
            {
                return;
            }

            if (proxy.ProxiedDestination is { } tried)
            {
                failed.Add(tried);
            }

            var others = available.Where(destination => !failed.Contains(destination)).ToList();
            if (!retryable || further == MostFurtherTries || others.Count == 0 || !ConnectionFailurePolicy.IsBackendFailure(error)
                || http.RequestAborted.IsCancellationRequested || !budget.TryTake())
            {
                if (http.Response.StatusCode is StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout)
                {
                    http.Response.Headers.RetryAfter = RetryAfterSeconds;
                }

                return;
            }

            LogRetry(http.Request.Method, http.Request.Path, proxy.ProxiedDestination?.DestinationId, error);
            http.Response.Clear();
            http.Features.Set<IForwarderErrorFeature>(null);
            if (http.Request.Body.CanSeek)
            {
                http.Request.Body.Position = 0;
            }

            proxy.ProxiedDestination = null;
            proxy.AvailableDestinations = others;
        }
    }

    internal static bool IsRetryable(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        || HttpMethods.IsHead(request.Method)
        || HttpMethods.IsPut(request.Method)
        || HttpMethods.IsDelete(request.Method)
        || HttpMethods.IsOptions(request.Method)
        || HttpMethods.IsTrace(request.Method)
        || request.Headers.ContainsKey(KeyHeader);

    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path}: {Destination} failed ({Error}); another backend is tried")]
    private partial void LogRetry(string method, string path, string? destination, ForwarderError error);
}
