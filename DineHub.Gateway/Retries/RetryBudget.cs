namespace DineHub.Gateway.Retries;

/// <summary>
/// Limits retries to a share of the requests, so that they cannot multiply the load on backends that are failing under it
/// (the retry budget of Finagle and Envoy).
/// </summary>
internal sealed class RetryBudget
{
    // In tenths of a try, so that the arithmetic is exact: each request earns one tenth, each further try costs ten.
    private const int Earned = 1;
    private const int Cost = 10;
    private const int Most = 100 * Cost;

    private int balance = Most;

    public void OnRequest()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref balance);
        }
        while (seen < Most && Interlocked.CompareExchange(ref balance, seen + Earned, seen) != seen);
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
