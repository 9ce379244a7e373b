namespace DineHub.Api.Orders;

/// <summary>One line of a basket. There is no price in it: the menu has the prices.</summary>
/// <param name="ItemId">An item of the menu.</param>
/// <param name="Quantity">How many, 1 to 99.</param>
/// <param name="Options">The modifier options, by id; at most 20.</param>
/// <param name="Note">A note to the kitchen; at most 200 characters.</param>
public sealed record OrderLineRequest(string? ItemId, int? Quantity, IReadOnlyList<string?>? Options = null, string? Note = null);

/// <summary>The body of placing an order.</summary>
/// <param name="Fulfilment">How the customer gets it.</param>
/// <param name="Customer">Who orders.</param>
/// <param name="Lines">What is ordered; 1 to 50 lines.</param>
/// <param name="ExpectedTotal">The total that the customer was shown, in minor currency units; the order is refused where it differs.</param>
public sealed record PlaceOrderRequest(
    Fulfilment? Fulfilment, Customer? Customer, IReadOnlyList<OrderLineRequest?>? Lines, long? ExpectedTotal = null);

/// <summary>The body of moving an order to its next stage.</summary>
/// <param name="Status">The stage to move to.</param>
/// <param name="Reason">Why; needed for Rejected and Cancelled.</param>
public sealed record ChangeStatusRequest(OrderStatus? Status, OrderReason? Reason = null);
