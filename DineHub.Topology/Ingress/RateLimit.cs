using System.Globalization;

namespace DineHub.Topology.Ingress;

/// <summary>
/// How often one client may do something: a bucket of <paramref name="Burst"/> requests that fills at <paramref name="PerMinute"/>
/// (the generic cell rate algorithm, as in nginx' limit_req).
/// </summary>
/// <param name="PerMinute">Requests in a minute on the long run, 1 to 1,000,000.</param>
/// <param name="Burst">Requests at once, 1 to 100,000.</param>
public sealed record RateLimit(int PerMinute, int Burst)
{
    /// <summary>After how many whole seconds one more request is allowed, at least 1.</summary>
    public int RetryAfterSeconds => Math.Max(1, (60 + PerMinute - 1) / PerMinute);

    /// <summary>The field value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): the quota and its window in seconds.</summary>
    /// <param name="name">The limit's name.</param>
    public string PolicyField(string name) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={Burst};w={Math.Max(1, (int)Math.Ceiling(Burst * 60.0 / PerMinute))}");

    /// <summary>The field value of RateLimit where nothing is left: when there is more, in seconds.</summary>
    /// <param name="name">The limit's name.</param>
    public string ExhaustedField(string name) => string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r=0;t={RetryAfterSeconds}");
}
