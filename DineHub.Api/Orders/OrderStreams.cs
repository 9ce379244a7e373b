using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using DineHub.Api.Menus;
using Microsoft.AspNetCore.Authentication;

namespace DineHub.Api.Orders;

/// <summary>
/// Changes of orders as server-sent events (WHATWG HTML, section 9.2). Each event is the whole order with its version, so that an order which
/// comes twice does no harm: the higher version is the newer. A stream ends when its replica stops or the token that it was opened
/// with expires; the client comes back with Last-Event-ID.
/// </summary>
/// <param name="feed">The changes.</param>
/// <param name="orders">The orders.</param>
/// <param name="time">The clock.</param>
/// <param name="lifetime">Ends the streams when the replica stops.</param>
internal sealed class OrderStreams(OrderFeed feed, OrderStore orders, TimeProvider time, IHostApplicationLifetime lifetime)
{
    public const string OrderEvent = "order";

    /// <summary>The event after what the stream began with: from here on there are changes.</summary>
    public const string LiveEvent = "live";

    /// <summary>An event without data, which browsers do not show: it keeps proxies from closing a quiet stream.</summary>
    public const string HeartbeatEvent = "heartbeat";

    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReconnectAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FurthestResume = TimeSpan.FromHours(12);
    private const int MaxOpenOrders = 1000;

    private static readonly OrderStatus[] Open = [OrderStatus.Placed, OrderStatus.Accepted, OrderStatus.Preparing, OrderStatus.Ready];

    /// <summary>
    /// A restaurant's queue: first every open order, or what has changed since the last event that was seen, then each change. The
    /// event's id is the time of the change in microseconds since 1970.
    /// </summary>
    public async IAsyncEnumerable<SseItem<Order?>> QueueAsync(
        PublishedMenu menu, string? lastEventId, DateTimeOffset? until, [EnumeratorCancellation] CancellationToken ct)
    {
        var restaurantId = menu.Restaurant.Id;
        using var end = EndOf(until, ct);
        using var subscription = feed.Subscribe(restaurantId, menu.Restaurant.TimeZone);
        var now = time.GetUtcNow();
        var sent = new Dictionary<Guid, int>();
        var start = ReadTime(lastEventId, now);
        var first = start is { } since
            ? await ChangedSinceAsync(menu, since - OrderFeed.Overlap, ct)
            : (await orders.ListAsync(restaurantId, menu.Restaurant.TimeZone, Open, null, null, null, MaxOpenOrders, ct))
                .Select(stored => new ChangedOrder(stored.Order, start ?? now)).Reverse().ToList();
        foreach (var change in first)
        {
            sent[change.Order.Id] = change.Order.Version;
            yield return Item(change);
        }

        yield return new SseItem<Order?>(null, LiveEvent) { EventId = Id(start ?? now), ReconnectionInterval = ReconnectAfter };
        while (await NextAsync(subscription.Changes, end.Token) is { } next)
        {
            if (next.Change is not { } change)
            {
                yield return new SseItem<Order?>(null, HeartbeatEvent);
            }
            else if (IsNews(change.Order, sent, whole: start is null))
            {
                sent[change.Order.Id] = change.Order.Version;
                yield return Item(change);
            }
        }
    }

    /// <summary>
    /// One order, for its customer or for staff, who do not see its token: as it is, unless the version in Last-Event-ID is that, then each change, until it is over. The event's
    /// id is the version.
    /// </summary>
    public async IAsyncEnumerable<SseItem<Order?>> OneAsync(
        PublishedMenu menu, Order current, bool forStaff, int seenVersion, DateTimeOffset? until, [EnumeratorCancellation] CancellationToken ct)
    {
        using var end = EndOf(until, ct);
        using var subscription = feed.Subscribe(menu.Restaurant.Id, menu.Restaurant.TimeZone);

        // Read again: it may have changed between the check of the token and the subscription.
        current = (await orders.FindAsync(menu.Restaurant.Id, menu.Restaurant.TimeZone, current.Id, ct))?.Order ?? current;
        if (current.Version > seenVersion)
        {
            seenVersion = current.Version;
            yield return Versioned(forStaff ? current.ForStaff() : current);
        }

        while (!OrderLifecycle.IsFinal(current.Status) && await NextAsync(subscription.Changes, end.Token) is { } next)
        {
            if (next.Change is not { } change)
            {
                yield return new SseItem<Order?>(null, HeartbeatEvent);
            }
            else if (change.Order.Id == current.Id && change.Order.Version > seenVersion)
            {
                current = change.Order;
                seenVersion = current.Version;
                yield return Versioned(forStaff ? current.ForStaff() : current);
            }
        }
    }

    /// <summary>When the token expires that a request was made with; null where it does not.</summary>
    public static DateTimeOffset? TokenExpires(HttpContext http) =>
        http.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc;

    // A stream that began with the whole queue has told of every order that is open: what is over and was not told of was over before.
    private static bool IsNews(Order order, Dictionary<Guid, int> sent, bool whole) =>
        sent.TryGetValue(order.Id, out var version) ? version < order.Version : !(whole && OrderLifecycle.IsFinal(order.Status));

    private static SseItem<Order?> Item(ChangedOrder change) =>
        new(change.Order.ForStaff(), OrderEvent) { EventId = Id(change.ChangedAt), ReconnectionInterval = ReconnectAfter };

    private static SseItem<Order?> Versioned(Order order) =>
        new(order, OrderEvent) { EventId = order.Version.ToString(CultureInfo.InvariantCulture), ReconnectionInterval = ReconnectAfter };

    private static string Id(DateTimeOffset time) =>
        ((time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture);

    // An id that is malformed or too old restarts the stream with a snapshot.
    private static DateTimeOffset? ReadTime(string? id, DateTimeOffset now)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) || microseconds > long.MaxValue / TimeSpan.TicksPerMicrosecond / 100)
        {
            return null;
        }

        var time = DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
        return time > now - FurthestResume && time <= now + OrderFeed.Overlap ? time : null;
    }

    private async Task<List<ChangedOrder>> ChangedSinceAsync(PublishedMenu menu, DateTimeOffset since, CancellationToken ct)
    {
        var changes = new List<ChangedOrder>();
        while (true)
        {
            var rows = await orders.ListChangedAsync(menu.Restaurant.Id, menu.Restaurant.TimeZone, since, MaxOpenOrders, ct);
            changes.AddRange(rows.Select(row => new ChangedOrder(row.Order, row.ChangedAt)));
            if (rows.Count < MaxOpenOrders)
            {
                return changes;
            }

            since = rows[^1].ChangedAt;
        }
    }

    private CancellationTokenSource EndOf(DateTimeOffset? until, CancellationToken ct)
    {
        var end = CancellationTokenSource.CreateLinkedTokenSource(ct, lifetime.ApplicationStopping);
        if (until is { } expires)
        {
            var left = expires - time.GetUtcNow();
            end.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        return end;
    }

    private sealed record Next(ChangedOrder? Change);

    /// <summary>The next change, or none after a while; null at the end of the stream.</summary>
    private static async Task<Next?> NextAsync(ChannelReader<ChangedOrder> changes, CancellationToken end)
    {
        if (changes.TryRead(out var change))
        {
            return new Next(change);
        }

        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(end);
        quiet.CancelAfter(Heartbeat);
        try
        {
            return await changes.WaitToReadAsync(quiet.Token) && changes.TryRead(out change) ? new Next(change) : null;
        }
        catch (OperationCanceledException)
        {
            return end.IsCancellationRequested ? null : new Next(Change: null);
        }
    }
}
