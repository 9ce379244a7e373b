using System.Diagnostics.Metrics;

namespace DineHub.Gateway;

/// <summary>What the gateway does that a plain proxy does not, counted.</summary>
internal sealed class GatewayMetrics
{
    public const string MeterName = "DineHub.Gateway";

    private readonly Counter<long> retries;
    private readonly Counter<long> ejections;
    private readonly Counter<long> limited;

    public GatewayMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        retries = meter.CreateCounter<long>("dinehub.gateway.retries", "{try}", "Further tries of requests on another backend.");
        ejections = meter.CreateCounter<long>("dinehub.gateway.ejections", "{ejection}", "Backends that were taken out after failures.");
        limited = meter.CreateCounter<long>("dinehub.gateway.limited", "{request}", "Requests that were refused because their client sent too many.");
    }

    public void Retried(string? backend) => retries.Add(1, new KeyValuePair<string, object?>("backend", backend));

    public void Ejected(string backend) => ejections.Add(1, new KeyValuePair<string, object?>("backend", backend));

    public void Limited(string limit) => limited.Add(1, new KeyValuePair<string, object?>("limit", limit));
}
