using System.Net;

namespace DineHub.Gateway.Retries;

/// <summary>One try of a request that another backend may answer instead.</summary>
/// <param name="budget">Pays for the next try.</param>
internal sealed class RetryAttempt(RetryBudget budget)
{
    /// <summary>Whether another backend is left to be tried.</summary>
    public bool HasNext { get; set; }

    /// <summary>Whether the answer was dropped, because another backend will be asked.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>Drops an answer that another backend may do better than, where the budget allows.</summary>
    /// <returns>Whether it was dropped.</returns>
    public bool TryDrop(HttpResponseMessage answer)
    {
        // A 503 that says when to come back is meant for the client: the other backends would say the same.
        var failed = answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout
            || (answer.StatusCode is HttpStatusCode.ServiceUnavailable && answer.Headers.RetryAfter is null);
        return IsDropped = failed && HasNext && budget.TryTake();
    }

    /// <summary>Makes it ready for the next try.</summary>
    public void Reset() => IsDropped = false;
}
