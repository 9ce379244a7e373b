using DineHub.Topology.Ingress;

namespace DineHub.Gateway.Retries;

/// <summary>
/// Limits retries to a share of the requests, so that they cannot multiply the load on backends that are failing under it
/// (the retry budget of Finagle and Envoy). A reserve serves short failures at little traffic.
/// </summary>
/// <param name="policy">What the share is.</param>
internal sealed class RetryBudget(IngressPolicy policy)
{
    // In hundredths of a try, so that the arithmetic is exact.
    private const int Cost = 100;
    private const int Reserve = 100 * Cost;

    private readonly int earned = policy.RetryBudgetPercent;
    private readonly int most = policy.RetryBudgetPercent == 0 ? 0 : Reserve;
    private int balance = policy.RetryBudgetPercent == 0 ? 0 : Reserve;

    public void OnRequest()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref balance);
        }
        while (seen < most && Interlocked.CompareExchange(ref balance, Math.Min(most, seen + earned), seen) != seen);
    }

    /// <summary>Pays for one further try, if there is enough left.</summary>
    public bool TryTake()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref balance);
            if (seen < Cost)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref balance, seen - Cost, seen) != seen);
        return true;
    }
}
