using System.Text.Json.Serialization;
using DineHub.Api.Http;

namespace DineHub.Api.Restaurants;

/// <summary>A kitchen's load.</summary>
[JsonConverter(typeof(StrictEnumConverter<KitchenLoad>))]
public enum KitchenLoad
{
    /// <summary>As usual.</summary>
    Normal,

    /// <summary>Much: orders are quoted a longer time.</summary>
    Busy,

    /// <summary>Too much: orders for as soon as possible are refused.</summary>
    Full,
}

/// <summary>A kitchen's capacity settings.</summary>
/// <param name="ParallelOrders">How many orders it cooks side by side, 1 to 1000.</param>
/// <param name="BusyMinutes">The addition to quoted times while busy, 0 to 240 minutes.</param>
/// <param name="AcceptMinutes">How long an order waits to be accepted before it expires, 1 to 120 minutes; 10 unless given.</param>
/// <param name="BusyFrom">The number of open orders from which it is busy automatically; null for never.</param>
/// <param name="FullFrom">The number of open orders from which it is full; null for never.</param>
public sealed record CapacitySettings(int? ParallelOrders, int? BusyMinutes, int? AcceptMinutes = 10, int? BusyFrom = null, int? FullFrom = null);

/// <summary>A kitchen as it is stored.</summary>
internal sealed record KitchenState(
    int Version,
    DateTimeOffset? PausedUntil,
    string? PauseReason,
    DateTimeOffset? BusyUntil,
    int BusyMinutes,
    int ParallelOrders,
    int AcceptMinutes,
    int? BusyFrom,
    int? FullFrom)
{
    // Beyond that a quote is no help.
    private const int MaxMinutes = 6 * 60;

    public bool IsPaused(DateTimeOffset now) => PausedUntil > now;

    public KitchenLoad Load(int openOrders, DateTimeOffset now) =>
        openOrders >= FullFrom ? KitchenLoad.Full
        : BusyUntil > now || openOrders >= BusyFrom ? KitchenLoad.Busy
        : KitchenLoad.Normal;

    /// <summary>
    /// How long a new order takes: the kitchen cooks <see cref="ParallelOrders"/> side by side, so the new one waits for as many rounds as
    /// the open ones fill; being busy adds to it.
    /// </summary>
    public int ReadyInMinutes(int openOrders, int preparationMinutes, DateTimeOffset now)
    {
        var rounds = (openOrders / ParallelOrders) + 1;
        var busy = Load(openOrders, now) == KitchenLoad.Normal ? 0 : BusyMinutes;
        return (int)Math.Min(((long)rounds * preparationMinutes) + busy, MaxMinutes);
    }
}
