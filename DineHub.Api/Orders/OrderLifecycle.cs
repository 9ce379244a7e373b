namespace DineHub.Api.Orders;

/// <summary>
/// Placed → Accepted → Preparing → Ready → Completed; Rejected and Expired from Placed; Cancelled from every stage before Completed.
/// </summary>
internal static class OrderLifecycle
{
    private static readonly Dictionary<OrderStatus, OrderStatus[]> Successors = new()
    {
        [OrderStatus.Placed] = [OrderStatus.Accepted, OrderStatus.Rejected, OrderStatus.Cancelled, OrderStatus.Expired],
        [OrderStatus.Accepted] = [OrderStatus.Preparing, OrderStatus.Cancelled],
        [OrderStatus.Preparing] = [OrderStatus.Ready, OrderStatus.Cancelled],
        [OrderStatus.Ready] = [OrderStatus.Completed, OrderStatus.Cancelled],
        [OrderStatus.Completed] = [],
        [OrderStatus.Rejected] = [],
        [OrderStatus.Cancelled] = [],
        [OrderStatus.Expired] = [],
    };

    public static IReadOnlyList<OrderStatus> After(OrderStatus status) => Successors[status];

    public static IReadOnlyList<OrderStatus> Before(OrderStatus status) =>
        [.. Successors.Where(pair => pair.Value.Contains(status)).Select(pair => pair.Key)];

    /// <summary>The stage that follows when all goes well; null at the end.</summary>
    public static OrderStatus? Next(OrderStatus status) => status switch
    {
        OrderStatus.Placed => OrderStatus.Accepted,
        OrderStatus.Accepted => OrderStatus.Preparing,
        OrderStatus.Preparing => OrderStatus.Ready,
        OrderStatus.Ready => OrderStatus.Completed,
        _ => null,
    };

    public static bool IsFinal(OrderStatus status) => Successors[status].Length == 0;

    /// <summary>Whether the change requires a reason.</summary>
    public static bool NeedsReason(OrderStatus status) => status is OrderStatus.Rejected or OrderStatus.Cancelled;
}
