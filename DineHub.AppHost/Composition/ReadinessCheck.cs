using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DineHub.AppHost.Composition;

/// <summary>
/// A health check that waits inside: Aspire asks a resource that is not healthy at intervals of seconds only, and so each wait for a resource would cost
/// seconds.
/// </summary>
/// <param name="problem">Why the resource is not ready, in one sentence; null where it is.</param>
internal sealed class ReadinessCheck(Func<CancellationToken, Task<string?>> problem) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(2);

    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = AskDeadline };

    /// <summary>Asks a service's health endpoint, which answers with success where the service is ready.</summary>
    /// <param name="url">The endpoint.</param>
    public static Func<CancellationToken, Task<string?>> Asking(Uri url) => async ct =>
    {
        try
        {
            using var response = await Http.GetAsync(url, ct);
            return response.IsSuccessStatusCode ? null : $"{url.AbsolutePath} answers {(int)response.StatusCode}.";
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return $"{url.AbsolutePath} does not answer.";
        }
    };

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var reason = await AskAsync(cancellationToken);
            if (reason is null)
            {
                return HealthCheckResult.Healthy();
            }

            if (clock.Elapsed > Patience)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, reason);
            }

            await Task.Delay(Interval, cancellationToken);
        }
    }

    private async Task<string?> AskAsync(CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(AskDeadline);
        try
        {
            return await problem(deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return "It does not answer.";
        }
    }
}
