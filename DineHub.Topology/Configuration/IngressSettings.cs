using System.Globalization;
using DineHub.Topology.Ingress;
using Microsoft.Extensions.Configuration;

namespace DineHub.Topology.Configuration;

/// <summary>An <see cref="IngressPolicy"/> as configuration: <c>Ingress:EjectionSeconds</c>, <c>Ingress:RateLimits:Orders:Burst</c>.</summary>
public static class IngressSettings
{
    /// <summary>The section of the configuration that a policy is read from.</summary>
    public const string Section = "Ingress";

    // Each number once: its setting, how it is read from a policy and put into one, and its range.
    private static readonly Number[] Numbers =
    [
        new("HstsSeconds", p => p.HstsSeconds, (p, v) => p with { HstsSeconds = v }, 0, 63_072_000),
        new("ConnectTimeoutMilliseconds", p => p.ConnectTimeoutMilliseconds, (p, v) => p with { ConnectTimeoutMilliseconds = v }, 50, 60_000),
        new("ResponseTimeoutSeconds", p => p.ResponseTimeoutSeconds, (p, v) => p with { ResponseTimeoutSeconds = v }, 1, 3600),
        new("RequestHeadersTimeoutSeconds", p => p.RequestHeadersTimeoutSeconds, (p, v) => p with { RequestHeadersTimeoutSeconds = v }, 1, 120),
        new("RequestBodyTimeoutSeconds", p => p.RequestBodyTimeoutSeconds, (p, v) => p with { RequestBodyTimeoutSeconds = v }, 1, 120),
        new("IdleTimeoutSeconds", p => p.IdleTimeoutSeconds, (p, v) => p with { IdleTimeoutSeconds = v }, 1, 3600),
        new("DrainSeconds", p => p.DrainSeconds, (p, v) => p with { DrainSeconds = v }, 1, 600),
        new("MaxBodyBytes", p => p.MaxBodyBytes, (p, v) => p with { MaxBodyBytes = v }, 1024, 100 * 1024 * 1024),
        new("MaxRequestLineBytes", p => p.MaxRequestLineBytes, (p, v) => p with { MaxRequestLineBytes = v }, 1024, 65_536),
        new("MaxHeaderBytes", p => p.MaxHeaderBytes, (p, v) => p with { MaxHeaderBytes = v }, 4096, 262_144),
        new("MaxConnections", p => p.MaxConnections, (p, v) => p with { MaxConnections = v }, 100, 1_000_000),
        new("MaxFurtherTries", p => p.MaxFurtherTries, (p, v) => p with { MaxFurtherTries = v }, 0, 5),
        new("RetryBudgetPercent", p => p.RetryBudgetPercent, (p, v) => p with { RetryBudgetPercent = v }, 0, 100),
        new("EjectAfterFailures", p => p.EjectAfterFailures, (p, v) => p with { EjectAfterFailures = v }, 1, 100),
        new("EjectionSeconds", p => p.EjectionSeconds, (p, v) => p with { EjectionSeconds = v }, 1, 3600),
        new("HealthIntervalMilliseconds", p => p.HealthIntervalMilliseconds, (p, v) => p with { HealthIntervalMilliseconds = v }, 100, 60_000),
        new("HealthTimeoutMilliseconds", p => p.HealthTimeoutMilliseconds, (p, v) => p with { HealthTimeoutMilliseconds = v }, 100, 60_000),
        new("HealthFailures", p => p.HealthFailures, (p, v) => p with { HealthFailures = v }, 1, 100),
        new("MaintenanceRetryAfterSeconds", p => p.MaintenanceRetryAfterSeconds, (p, v) => p with { MaintenanceRetryAfterSeconds = v }, 1, 86_400),
        .. Limit("RateLimits:Client", p => p.ClientLimit, (p, v) => p with { ClientLimit = v }),
        .. Limit("RateLimits:SignIn", p => p.SignInLimit, (p, v) => p with { SignInLimit = v }),
        .. Limit("RateLimits:Orders", p => p.OrdersLimit, (p, v) => p with { OrdersLimit = v }),
    ];

    /// <summary>Reads a policy; what is absent is as the defaults say.</summary>
    /// <param name="section">The section.</param>
    /// <param name="errors">Where every mistake is noted: numbers out of range, and settings that there are not.</param>
    public static IngressPolicy Read(IConfigurationSection section, List<ConfigurationError> errors)
    {
        ArgumentNullException.ThrowIfNull(section);
        var readers = new Dictionary<string, SectionReader>();
        SectionReader ReaderOf(string path)
        {
            if (!readers.TryGetValue(path, out var reader))
            {
                var end = path.LastIndexOf(':');
                reader = path.Length == 0 ? new SectionReader(section, errors) : ReaderOf(end < 0 ? "" : path[..end]).Section(path[(end + 1)..]);
                readers.Add(path, reader);
            }

            return reader;
        }

        var policy = new IngressPolicy();
        foreach (var number in Numbers)
        {
            var end = number.Setting.LastIndexOf(':');
            var value = ReaderOf(end < 0 ? "" : number.Setting[..end]).Number(number.Setting[(end + 1)..], number.Get(policy), number.Minimum, number.Maximum);
            policy = number.Set(policy, value);
        }

        foreach (var reader in readers.Values)
        {
            reader.RefuseUnknown();
        }

        return policy;
    }

    /// <summary>Every setting with its value, as <see cref="Read"/> takes them: <c>Ingress:EjectionSeconds</c>.</summary>
    /// <param name="policy">The policy.</param>
    public static IEnumerable<KeyValuePair<string, string>> ToSettings(this IngressPolicy policy) =>
        Numbers.Select(number => KeyValuePair.Create($"{Section}:{number.Setting}", number.Get(policy).ToString(CultureInfo.InvariantCulture)));

    private static Number[] Limit(string name, Func<IngressPolicy, RateLimit> get, Func<IngressPolicy, RateLimit, IngressPolicy> set) =>
    [
        new($"{name}:PerMinute", p => get(p).PerMinute, (p, v) => set(p, get(p) with { PerMinute = v }), 1, 1_000_000),
        new($"{name}:Burst", p => get(p).Burst, (p, v) => set(p, get(p) with { Burst = v }), 1, 100_000),
    ];

    private sealed record Number(string Setting, Func<IngressPolicy, int> Get, Func<IngressPolicy, int, IngressPolicy> Set, int Minimum, int Maximum);
}
