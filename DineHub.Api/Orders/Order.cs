using System.Text.Json.Serialization;
using DineHub.Api.Http;

namespace DineHub.Api.Orders;

/// <summary>A stage of an order's life.</summary>
[JsonConverter(typeof(StrictEnumConverter<OrderStatus>))]
public enum OrderStatus
{
    /// <summary>Stored; the kitchen has not answered yet.</summary>
    Placed,

    /// <summary>The kitchen will cook it.</summary>
    Accepted,

    /// <summary>It is being cooked.</summary>
    Preparing,

    /// <summary>It can be picked up, served or handed to a courier.</summary>
    Ready,

    /// <summary>The customer has it. Final.</summary>
    Completed,

    /// <summary>The kitchen did not accept it. Final.</summary>
    Rejected,

    /// <summary>Called off after it was placed. Final.</summary>
    Cancelled,

    /// <summary>Not answered in time. Final.</summary>
    Expired,
}

/// <summary>Why an order was rejected or cancelled.</summary>
[JsonConverter(typeof(StrictEnumConverter<OrderReason>))]
public enum OrderReason
{
    /// <summary>The kitchen has too much to do.</summary>
    TooBusy,

    /// <summary>Something that was ordered has run out.</summary>
    ItemUnavailable,

    /// <summary>The restaurant is closed or closing.</summary>
    Closed,

    /// <summary>The address cannot be delivered to.</summary>
    UndeliverableAddress,

    /// <summary>The customer asked for it.</summary>
    CustomerRequest,

    /// <summary>Another reason.</summary>
    Other,
}

/// <summary>How the customer gets the order.</summary>
[JsonConverter(typeof(StrictEnumConverter<FulfilmentType>))]
public enum FulfilmentType
{
    /// <summary>The customer comes for it.</summary>
    Pickup,

    /// <summary>It is brought to an address.</summary>
    Delivery,

    /// <summary>It is served at a table.</summary>
    Table,
}

/// <summary>How the customer gets the order.</summary>
/// <param name="Type">The kind.</param>
/// <param name="Address">The delivery address; at most 300 characters.</param>
/// <param name="Table">The table, for table service; at most 20 characters.</param>
/// <param name="Latitude">Latitude of the delivery address, in degrees north, -90 to 90 (WGS 84).</param>
/// <param name="Longitude">Longitude of the delivery address, in degrees east, -180 to 180 (WGS 84).</param>
public sealed record Fulfilment([property: JsonRequired] FulfilmentType Type, string? Address = null, string? Table = null, double? Latitude = null, double? Longitude = null);

/// <summary>How an order will be paid; paying itself is between the customer and the restaurant.</summary>
[JsonConverter(typeof(StrictEnumConverter<PaymentMethod>))]
public enum PaymentMethod
{
    /// <summary>In the restaurant: at the counter or at the table.</summary>
    AtCounter,

    /// <summary>A note for the courier.</summary>
    OnDelivery,
}

/// <summary>The customer of an order.</summary>
/// <param name="Name">The customer's name; at most 100 characters. Required for pickup and delivery.</param>
/// <param name="Phone">A telephone number; at most 30 characters.</param>
public sealed record Customer(string? Name = null, string? Phone = null);

/// <summary>A modifier option as it was when it was ordered.</summary>
/// <param name="Id">The option's id.</param>
/// <param name="Name">Its name then.</param>
/// <param name="Price">Its price then, in minor currency units.</param>
public sealed record OrderLineOption(string Id, string Name, long Price);

/// <summary>An item as it was when it was ordered.</summary>
/// <param name="ItemId">The item's id.</param>
/// <param name="Name">Its name then.</param>
/// <param name="Quantity">How many, 1 to 99.</param>
/// <param name="UnitPrice">The price of one with its options, in minor currency units.</param>
/// <param name="Options">The options that were chosen.</param>
/// <param name="Note">The customer's note to the kitchen.</param>
/// <param name="Total">Quantity times unit price, in minor currency units.</param>
/// <param name="Tax">The tax in the total (where prices include it) or on it, in minor currency units.</param>
public sealed record OrderLine(
    string ItemId, string Name, int Quantity, long UnitPrice, IReadOnlyList<OrderLineOption> Options, string? Note, long Total, long Tax);

/// <summary>A stage that an order has reached.</summary>
/// <param name="Status">The stage.</param>
/// <param name="At">When, in UTC.</param>
/// <param name="Reason">The reason, if the order was rejected or cancelled.</param>
public sealed record OrderEvent(OrderStatus Status, DateTimeOffset At, OrderReason? Reason = null);

/// <summary>An order. All amounts are in minor units of <paramref name="Currency"/>, all times in UTC.</summary>
/// <param name="RestaurantId">The restaurant.</param>
/// <param name="Id">The order's id.</param>
/// <param name="Status">The stage that it is in.</param>
/// <param name="Fulfilment">How the customer gets it.</param>
/// <param name="Customer">Who ordered.</param>
/// <param name="Currency">The ISO 4217 code of all amounts.</param>
/// <param name="Lines">The ordered items, with their names and prices at that time.</param>
/// <param name="Subtotal">The lines' totals together.</param>
/// <param name="Tax">The lines' taxes together.</param>
/// <param name="DeliveryFee">What delivery costs; not taxed.</param>
/// <param name="Tip">The tip; not taxed.</param>
/// <param name="Total">What the customer pays.</param>
/// <param name="MenuVersion">The version of the menu that it was priced at.</param>
/// <param name="TimeZone">The IANA name of the restaurant's time zone.</param>
/// <param name="Payment">How it will be paid.</param>
/// <param name="Note">The customer's note to the restaurant.</param>
/// <param name="ScheduledFor">The slot that it is for; null for as soon as possible.</param>
/// <param name="ReadyBy">The promised time of readiness.</param>
/// <param name="ExpiresAt">The deadline for its acceptance.</param>
/// <param name="PlacedAt">When it was placed.</param>
/// <param name="History">Every stage that it has reached, oldest first; append-only.</param>
/// <param name="Version">Grows with every change, from 1; the order's ETag.</param>
/// <param name="TrackingToken">The secret that lets a guest read the order; not shown to staff.</param>
public sealed record Order(
    Guid RestaurantId,
    Guid Id,
    OrderStatus Status,
    Fulfilment Fulfilment,
    Customer Customer,
    string Currency,
    IReadOnlyList<OrderLine> Lines,
    long Subtotal,
    long Tax,
    long DeliveryFee,
    long Tip,
    long Total,
    int MenuVersion,
    string TimeZone,
    PaymentMethod Payment,
    string? Note,
    DateTimeOffset? ScheduledFor,
    DateTimeOffset? ReadyBy,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset PlacedAt,
    IReadOnlyList<OrderEvent> History,
    int Version,
    string? TrackingToken)
{
    /// <summary>The order as it was when it was placed: the first answer, for one who asks again with the same key.</summary>
    internal Order AsPlaced() => this with { Status = OrderStatus.Placed, History = [History[0]], Version = 1 };

    /// <summary>The order as staff see it.</summary>
    internal Order ForStaff() => this with { TrackingToken = null };
}

/// <summary>A page of a restaurant's orders, the newest first.</summary>
/// <param name="Items">The orders.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> for the next page; null on the last.</param>
public sealed record OrderPage(IReadOnlyList<Order> Items, string? NextCursor);
