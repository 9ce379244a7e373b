using DineHub.Api.Restaurants;

namespace DineHub.Api.Kitchens;

/// <summary>The body of pausing.</summary>
/// <param name="Until">End of the pause, in UTC; at most 30 days ahead.</param>
/// <param name="Reason">The message to customers; at most 200 characters.</param>
public sealed record PauseRequest(DateTimeOffset? Until, string? Reason = null);

/// <summary>The body of being busy.</summary>
/// <param name="Until">End of the busy period, in UTC; at most a day ahead.</param>
public sealed record BusyRequest(DateTimeOffset? Until);

/// <summary>A kitchen, as its staff see it.</summary>
/// <param name="Version">Grows with every change, from 1.</param>
/// <param name="PausedUntil">End of the pause, in UTC; null outside one.</param>
/// <param name="PauseReason">The message to customers.</param>
/// <param name="BusyUntil">End of the busy period that staff set, in UTC; null outside one.</param>
/// <param name="Capacity">The capacity settings.</param>
/// <param name="Load">The load.</param>
/// <param name="OpenOrders">Orders that are placed and not ready yet, without those scheduled for later.</param>
/// <param name="ReadyInMinutes">The quoted time for an order as soon as possible, in minutes.</param>
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
