namespace DineHub.Api.Orders;

/// <summary>One line of a basket. It has no price: prices come from the menu.</summary>
/// <param name="ItemId">An item of the menu.</param>
/// <param name="Quantity">How many, 1 to 99.</param>
/// <param name="Options">The modifier options, by id; at most 20.</param>
/// <param name="Note">A note to the kitchen; at most 200 characters.</param>
public sealed record OrderLineRequest(string? ItemId, int? Quantity, IReadOnlyList<string?>? Options = null, string? Note = null);

/// <summary>A tip: an amount, or a share of the subtotal.</summary>
/// <param name="Amount">In minor currency units, from 0.</param>
/// <param name="Percent">0 to 100, rounded to the minor unit, half away from zero.</param>
public sealed record TipRequest(long? Amount = null, int? Percent = null);

/// <summary>What a quote and an order have in common.</summary>
internal interface IBasket
{
    Fulfilment? Fulfilment { get; }

    IReadOnlyList<OrderLineRequest?>? Lines { get; }

    TipRequest? Tip { get; }

    DateTimeOffset? ScheduledFor { get; }
}

/// <summary>The body of placing an order.</summary>
/// <param name="Fulfilment">How the customer gets it.</param>
/// <param name="Customer">The customer; the name is required for pickup and delivery.</param>
/// <param name="Lines">The basket, 1 to 50 lines.</param>
/// <param name="ExpectedTotal">The total that the customer was shown, in minor currency units; the order is refused where it differs.</param>
/// <param name="Tip">A tip.</param>
/// <param name="ScheduledFor">The beginning of one of the restaurant's slots, in UTC; null for as soon as possible.</param>
/// <param name="Payment">How it will be paid: OnDelivery for delivery, AtCounter otherwise, which is the default.</param>
/// <param name="Note">A note to the restaurant; at most 500 characters.</param>
public sealed record PlaceOrderRequest(
    Fulfilment? Fulfilment,
    Customer? Customer,
    IReadOnlyList<OrderLineRequest?>? Lines,
    long? ExpectedTotal = null,
    TipRequest? Tip = null,
    DateTimeOffset? ScheduledFor = null,
    PaymentMethod? Payment = null,
    string? Note = null) : IBasket;

/// <summary>The body of a quote request.</summary>
/// <param name="Fulfilment">How the customer would get it.</param>
/// <param name="Lines">The basket, 1 to 50 lines.</param>
/// <param name="Tip">A tip.</param>
/// <param name="ScheduledFor">The beginning of one of the restaurant's slots, in UTC; null for as soon as possible.</param>
public sealed record QuoteRequest(
    Fulfilment? Fulfilment, IReadOnlyList<OrderLineRequest?>? Lines, TipRequest? Tip = null, DateTimeOffset? ScheduledFor = null) : IBasket;

/// <summary>A reason why an order like the quote would be refused now.</summary>
/// <param name="Reason">The machine-readable reason, as in a problem's <c>reason</c>.</param>
/// <param name="Field">The field of the request.</param>
/// <param name="Rule">The rule that the field breaks.</param>
public sealed record QuoteRefusal(string Reason, string Field, string Rule);

/// <summary>The price of an order, computed exactly as at its placement. All amounts are in minor units of <paramref name="Currency"/>.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="Lines">The basket, with names and prices.</param>
/// <param name="Subtotal">The lines' totals together.</param>
/// <param name="Tax">The lines' taxes together.</param>
/// <param name="DeliveryFee">What delivery costs.</param>
/// <param name="Tip">The tip.</param>
/// <param name="Total">What the customer would pay; pass it as <c>expectedTotal</c>.</param>
/// <param name="MenuVersion">The version of the menu that it was priced at.</param>
/// <param name="TimeZone">The IANA name of the restaurant's time zone.</param>
/// <param name="ReadyBy">When it would be ready, in UTC.</param>
/// <param name="Load">The kitchen's load.</param>
/// <param name="Refusals">The reasons why the order would be refused now; empty if it would be accepted.</param>
public sealed record Quote(
    Guid RestaurantId,
    string Currency,
    IReadOnlyList<OrderLine> Lines,
    long Subtotal,
    long Tax,
    long DeliveryFee,
    long Tip,
    long Total,
    int MenuVersion,
    string TimeZone,
    DateTimeOffset ReadyBy,
    Restaurants.KitchenLoad Load,
    IReadOnlyList<QuoteRefusal> Refusals);

/// <summary>The body of moving an order to another stage.</summary>
/// <param name="Status">The stage to move to.</param>
/// <param name="Reason">The reason; required for Rejected and Cancelled.</param>
public sealed record ChangeStatusRequest(OrderStatus? Status, OrderReason? Reason = null);
