using DineHub.Api.Orders;

namespace DineHub.Api.Reports;

/// <summary>The sales of one day. Amounts are in minor currency units.</summary>
/// <param name="Date">The day that the orders were placed on, in the restaurant's time zone.</param>
/// <param name="Orders">How many.</param>
/// <param name="Subtotal">Their lines.</param>
/// <param name="Tax">Their taxes.</param>
/// <param name="DeliveryFees">Their delivery fees.</param>
/// <param name="Tips">Their tips.</param>
/// <param name="Total">What customers pay.</param>
public sealed record SalesDay(DateOnly Date, long Orders, long Subtotal, long Tax, long DeliveryFees, long Tips, long Total);

/// <summary>Sales by day: orders that were not rejected, cancelled or expired.</summary>
/// <param name="From">The first day.</param>
/// <param name="To">The last day.</param>
/// <param name="TimeZone">The IANA name of the restaurant's time zone.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="Days">The days on which something was sold, the oldest first.</param>
public sealed record SalesReport(DateOnly From, DateOnly To, string TimeZone, string Currency, IReadOnlyList<SalesDay> Days);

/// <summary>The sales of one item.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Name">Its name when it was last ordered.</param>
/// <param name="Quantity">How many.</param>
/// <param name="Total">The revenue, with options and without added taxes, in minor currency units.</param>
public sealed record ItemSales(string ItemId, string Name, long Quantity, long Total);

/// <summary>The items that were sold most.</summary>
/// <param name="From">The first day.</param>
/// <param name="To">The last day.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="Items">The items, those sold most first.</param>
public sealed record BestSellersReport(DateOnly From, DateOnly To, string Currency, IReadOnlyList<ItemSales> Items);

/// <summary>How long orders were in one stage.</summary>
/// <param name="Status">The stage.</param>
/// <param name="Orders">How many orders have left it.</param>
/// <param name="AverageSeconds">How long they were in it on average.</param>
/// <param name="Percentile95Seconds">How long 95 % of them were in it at most.</param>
public sealed record StageDuration(OrderStatus Status, long Orders, double AverageSeconds, double Percentile95Seconds);

/// <summary>How long orders take, stage by stage.</summary>
/// <param name="From">The first day.</param>
/// <param name="To">The last day.</param>
/// <param name="Stages">The stages that orders have left.</param>
public sealed record StagesReport(DateOnly From, DateOnly To, IReadOnlyList<StageDuration> Stages);

/// <summary>One order in the export. Amounts are in minor currency units; no person is in it.</summary>
internal sealed record OrderRow(
    Guid Id,
    DateTimeOffset PlacedAt,
    string Status,
    string Fulfilment,
    string Payment,
    long Items,
    long Subtotal,
    long Tax,
    long DeliveryFee,
    long Tip,
    long Total,
    string Currency);
