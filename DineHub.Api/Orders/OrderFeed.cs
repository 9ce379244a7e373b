using System.Collections.Concurrent;
using System.Threading.Channels;
using DineHub.Api.Http.Errors;
using Npgsql;

namespace DineHub.Api.Orders;

/// <summary>An order as it was after a change.</summary>
internal sealed record ChangedOrder(Order Order, DateTimeOffset ChangedAt);

/// <summary>
/// Tells watchers of a restaurant of every change of its orders, whichever replica made it. It asks the restaurant's shard: that needs no
/// connection between replicas, survives every failover, and can start in the past. Who watches the same restaurant at the same replica
/// shares the asking.
/// </summary>
/// <param name="orders">The orders.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class OrderFeed(OrderStore orders, TimeProvider time, ILogger<OrderFeed> logger)
{
    /// <summary>
    /// How far back each look goes: a change carries the time at which its replica made it, and is seen when it is committed, which is no
    /// later than a statement's deadline; clocks differ by less than the rest.
    /// </summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);
    private const int Batch = 500;
    private const int MaxUnreadChanges = 2000;

    private readonly ConcurrentDictionary<Guid, Topic> topics = new();

    /// <summary>Begins to collect every change from about now on, until disposed. A watcher that does not keep up is let go.</summary>
    public Subscription Subscribe(Guid restaurantId, string timeZone)
    {
        while (true)
        {
            var topic = topics.GetOrAdd(restaurantId, id => new Topic(id, timeZone));
            var changes = Channel.CreateBounded<ChangedOrder>(new BoundedChannelOptions(MaxUnreadChanges) { SingleReader = true, SingleWriter = true });
            lock (topic.Watchers)
            {
                if (topic.Ended)
                {
                    continue;
                }

                topic.Watchers.Add(changes);
                topic.Polling ??= Task.Run(() => PollAsync(topic));
            }

            return new Subscription(changes.Reader, () =>
            {
                lock (topic.Watchers)
                {
                    topic.Watchers.Remove(changes);
                }
            });
        }
    }

    private async Task PollAsync(Topic topic)
    {
        var seen = new Dictionary<Guid, (int Version, DateTimeOffset ChangedAt)>();
        var newest = time.GetUtcNow();
        var failing = false;
        while (!HasEnded(topic))
        {
            try
            {
                var after = newest - Overlap;
                var rows = await orders.ListChangedAsync(topic.RestaurantId, topic.TimeZone, after, Batch, CancellationToken.None);
                foreach (var (order, changedAt) in rows)
                {
                    newest = changedAt > newest ? changedAt : newest;
                    if (!seen.TryGetValue(order.Id, out var known) || known.Version < order.Version)
                    {
                        seen[order.Id] = (order.Version, changedAt);
                        Publish(topic, new ChangedOrder(order, changedAt));
                    }
                }

                foreach (var (id, _) in seen.Where(pair => pair.Value.ChangedAt < newest - (2 * Overlap)).ToList())
                {
                    seen.Remove(id);
                }

                failing = false;
                if (rows.Count == Batch)
                {
                    // A rush: go on at once, past what has been read.
                    newest = rows[^1].ChangedAt + Overlap;
                    continue;
                }

                // Time goes on without changes, too; else a quiet restaurant would be asked for more and more of its past.
                var now = time.GetUtcNow();
                newest = now > newest ? now : newest;
            }
            catch (NpgsqlException e) when (DatabaseUnavailableHandler.IsUnavailable(e))
            {
                if (!failing)
                {
                    LogUnavailable(topic.RestaurantId, e.Message.Split('\n')[0]);
                    failing = true;
                }
            }
            catch (Exception e)
            {
                LogEnded(e, topic.RestaurantId);
                End(topic);
                return;
            }

            await Task.Delay(Interval);
        }
    }

    private bool HasEnded(Topic topic)
    {
        lock (topic.Watchers)
        {
            if (topic.Watchers.Count > 0)
            {
                return false;
            }

            topic.Ended = true;
            topics.TryRemove(KeyValuePair.Create(topic.RestaurantId, topic));
            return true;
        }
    }

    private void End(Topic topic)
    {
        lock (topic.Watchers)
        {
            topic.Watchers.ForEach(watcher => watcher.Writer.TryComplete());
            topic.Watchers.Clear();
        }

        HasEnded(topic);
    }

    private static void Publish(Topic topic, ChangedOrder change)
    {
        lock (topic.Watchers)
        {
            foreach (var watcher in topic.Watchers.Where(watcher => !watcher.Writer.TryWrite(change)).ToList())
            {
                // It comes back and asks for what it has missed.
                watcher.Writer.TryComplete();
                topic.Watchers.Remove(watcher);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The orders of {RestaurantId} cannot be watched for now: {Reason}")]
    private partial void LogUnavailable(Guid restaurantId, string reason);

    [LoggerMessage(2, LogLevel.Error, "Watching the orders of {RestaurantId} failed")]
    private partial void LogEnded(Exception exception, Guid restaurantId);

    /// <summary>Changes as they come, until disposed.</summary>
    internal sealed class Subscription(ChannelReader<ChangedOrder> changes, Action end) : IDisposable
    {
        public ChannelReader<ChangedOrder> Changes { get; } = changes;

        public void Dispose() => end();
    }

    private sealed class Topic(Guid restaurantId, string timeZone)
    {
        public Guid RestaurantId { get; } = restaurantId;

        public string TimeZone { get; } = timeZone;

        public List<Channel<ChangedOrder>> Watchers { get; } = [];

        public Task? Polling { get; set; }

        public bool Ended { get; set; }
    }
}
