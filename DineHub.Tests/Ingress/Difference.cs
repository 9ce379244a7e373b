namespace DineHub.Tests.Ingress;

/// <summary>Differences between nginx and the gateway; see docs/ingress.md.</summary>
public enum Difference
{
    /// <summary>nginx bounds the tries of a request, not their share of all requests.</summary>
    RetryBudget,

    /// <summary>nginx repeats a 503 once, also one that carries Retry-After, and perhaps on the same backend.</summary>
    DeliberateUnavailable,

    /// <summary>nginx answers for itself what a backend has answered by 502 or 504, where the request may be repeated.</summary>
    OwnGatewayErrors,

    /// <summary>nginx does not count a 502 or 504 that a backend has answered against it, unless another try follows.</summary>
    UncountedStatus,

    /// <summary>nginx does not count a try by a connection to a backend that was kept open and breaks.</summary>
    KeptConnection,

    /// <summary>nginx names itself, without its version.</summary>
    ServerField,

    /// <summary>nginx learns of a backend's health by requests alone.</summary>
    ActiveHealth,

    /// <summary>nginx cuts a client that stands still, not one that is slow.</summary>
    SlowClient,

    /// <summary>nginx lets streams go on while it drains, and cuts them.</summary>
    StreamEnd,

    /// <summary>nginx takes an answer whose head it has for begun.</summary>
    HeadAlone,

    /// <summary>nginx writes a problem also where it refuses a request while it reads its head.</summary>
    HeadRefusals,

    /// <summary>nginx passes on fields that Connection names.</summary>
    NominatedFields,

    /// <summary>nginx drops a field whose name is none.</summary>
    OddNames,

    /// <summary>nginx counts the bytes of a body alone.</summary>
    ChunkFraming,

    /// <summary>nginx passes targets on as they came.</summary>
    TargetSpelling,

    /// <summary>nginx takes other odd spellings than the gateway.</summary>
    Leniency,

    /// <summary>nginx takes other broken answers for answers.</summary>
    MalformedAnswers,
}
