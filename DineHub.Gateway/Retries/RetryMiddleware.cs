using System.Globalization;
using DineHub.Gateway.Balancing;
using DineHub.Topology.Ingress;
using Yarp.ReverseProxy.Forwarder;

namespace DineHub.Gateway.Retries;

/// <summary>
/// Sends a request to another backend when one fails before anything of its answer was passed on: requests of idempotent methods (RFC 9110, section
/// 9.2.2), and others that carry an Idempotency-Key. At most <see cref="IngressPolicy.MaxFurtherTries"/> retries, within the budget.
/// </summary>
/// <param name="next">The rest of the proxy's pipeline.</param>
/// <param name="policy">How often.</param>
/// <param name="budget">The budget of this gateway.</param>
/// <param name="metrics">Counts further tries.</param>
/// <param name="logger">The log.</param>
internal sealed partial class RetryMiddleware(
    RequestDelegate next, IngressPolicy policy, RetryBudget budget, GatewayMetrics metrics, ILogger<RetryMiddleware> logger)
{
    private static readonly string RetryAfter = IngressProblem.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);

    public Task InvokeAsync(HttpContext http)
    {
        budget.OnRequest();
        return policy.MaxFurtherTries > 0 && IsRepeatable(http.Request) ? TryAsync(http) : OnceAsync(http);
    }

    private async Task OnceAsync(HttpContext http)
    {
        await next(http);
        Conclude(http);
    }

    private async Task TryAsync(HttpContext http)
    {
        var proxy = http.GetReverseProxyFeature();
        var left = proxy.AvailableDestinations;
        var attempt = new RetryAttempt(budget);
        http.Features.Set(attempt);
        for (var further = 0; ; further++)
        {
            attempt.HasNext = further < policy.MaxFurtherTries && left.Count > 1;
            await next(http);
            if (!attempt.IsDropped && !MayFollow(http, attempt))
            {
                Conclude(http);
                return;
            }

            var failed = proxy.ProxiedDestination;
            metrics.Retried(failed?.DestinationId);
            LogRetry(http.TraceIdentifier, http.Request.Method, http.Request.Path, failed?.DestinationId, http.GetForwarderErrorFeature()?.Error, http.Response.StatusCode);
            left = [.. left.Where(destination => destination != failed)];
            http.Response.Clear();
            http.Features.Set<IForwarderErrorFeature>(null);
            if (http.Request.Body.CanSeek)
            {
                http.Request.Body.Position = 0;
            }

            attempt.Reset();
            proxy.ProxiedDestination = null;
            proxy.AvailableDestinations = left;
        }
    }

    private bool MayFollow(HttpContext http, RetryAttempt attempt) =>
        attempt.HasNext
        && http.GetForwarderErrorFeature() is { Error: var error }
        && (FailureEjectionPolicy.IsBackendFailure(error) || error == ForwarderError.ResponseBodyDestination)
        && !http.Response.HasStarted
        && !http.RequestAborted.IsCancellationRequested
        && budget.TryTake();

    private static void Conclude(HttpContext http)
    {
        if (!http.Response.HasStarted
            && http.GetForwarderErrorFeature() is not null
            && http.Response.StatusCode is StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout)
        {
            http.Response.Headers.RetryAfter = RetryAfter;
        }
    }

    internal static bool IsRepeatable(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        || HttpMethods.IsHead(request.Method)
        || HttpMethods.IsPut(request.Method)
        || HttpMethods.IsDelete(request.Method)
        || HttpMethods.IsOptions(request.Method)
        || request.Headers[IngressHeaders.IdempotencyKey] is [{ Length: > 0 }, ..];

    [LoggerMessage(1, LogLevel.Warning, "{RequestId} {Method} {Path}: {Destination} failed ({Error}, {Status}); retrying on another backend")]
    private partial void LogRetry(string requestId, string method, string path, string? destination, ForwarderError? error, int status);
}
