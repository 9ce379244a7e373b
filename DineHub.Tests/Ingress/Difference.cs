namespace DineHub.Tests.Ingress;

/// <summary>Where nginx does not do what the gateway does; docs/ingress.md tells why.</summary>
public enum Difference
{
    /// <summary>nginx bounds the tries of a request, not their share of all requests.</summary>
    RetryBudget,

    /// <summary>nginx repeats a 503 once, also one that carries Retry-After.</summary>
    DeliberateUnavailable,

    /// <summary>nginx names itself, without its version.</summary>
    ServerField,

    /// <summary>nginx learns of a backend's health by requests alone.</summary>
    ActiveHealth,

    /// <summary>nginx cuts a body that stands still, not one that comes slowly.</summary>
    SlowBody,
}
