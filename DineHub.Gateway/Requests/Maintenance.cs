using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.Gateway.Requests;

/// <summary>Answers 503 to everything while a flag file exists, whose path is the setting <see cref="GatewaySettings.MaintenanceFile"/>.</summary>
/// <param name="policy">What Retry-After says.</param>
/// <param name="configuration">Names the file; without one there is no maintenance.</param>
internal sealed class Maintenance(IngressPolicy policy, IConfiguration configuration)
{
    private const long LookAgainMilliseconds = 250;

    private readonly string? file = configuration[GatewaySettings.MaintenanceFile];
    private readonly string retryAfter = policy.MaintenanceRetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
    private long lookedAt = -LookAgainMilliseconds;
    private volatile bool isOn;

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsOn())
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    }

    private bool IsOn()
    {
        var now = Environment.TickCount64;
        if (file is not null && now - Volatile.Read(ref lookedAt) >= LookAgainMilliseconds)
        {
            Volatile.Write(ref lookedAt, now);
            isOn = File.Exists(file);
        }

        return isOn;
    }
}
