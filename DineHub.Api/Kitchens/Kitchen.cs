using DineHub.Api.Restaurants;

namespace DineHub.Api.Kitchens;

/// <summary>The body of pausing.</summary>
/// <param name="Until">Until when no orders are taken, in UTC; at most 30 days ahead.</param>
/// <param name="Reason">What customers are told; at most 200 characters.</param>
public sealed record PauseRequest(DateTimeOffset? Until, string? Reason = null);

/// <summary>The body of being busy.</summary>
/// <param name="Until">Until when, in UTC; at most a day ahead.</param>
public sealed record BusyRequest(DateTimeOffset? Until);

/// <summary>A kitchen, as its staff see it.</summary>
/// <param name="Version">Grows with every change, from 1.</param>
/// <param name="PausedUntil">Until when it takes no orders, in UTC; null where it takes them.</param>
/// <param name="PauseReason">What customers are told.</param>
/// <param name="BusyUntil">Until when somebody has called it busy, in UTC; null where nobody has.</param>
/// <param name="Capacity">How it copes with load.</param>
/// <param name="Load">How much it has to do.</param>
/// <param name="OpenOrders">Orders that are placed and not ready yet, without those scheduled for later.</param>
/// <param name="ReadyInMinutes">What an order for as soon as possible would be quoted, in minutes.</param>
public sealed record Kitchen(
    int Version,
    DateTimeOffset? PausedUntil,
    string? PauseReason,
    DateTimeOffset? BusyUntil,
    CapacitySettings Capacity,
    KitchenLoad Load,
    int OpenOrders,
    int ReadyInMinutes)
{
    /// <summary>A kitchen, with what it has to do.</summary>
    internal static Kitchen Of(KitchenState state, int openOrders, int preparationMinutes, DateTimeOffset now) => new(
        state.Version,
        state.IsPaused(now) ? state.PausedUntil : null,
        state.IsPaused(now) ? state.PauseReason : null,
        state.BusyUntil > now ? state.BusyUntil : null,
        new CapacitySettings(state.ParallelOrders, state.BusyMinutes, state.AcceptMinutes, state.BusyFrom, state.FullFrom),
        state.Load(openOrders, now),
        openOrders,
        state.ReadyInMinutes(openOrders, preparationMinutes, now));
}
