using System.Diagnostics.Metrics;

namespace DineHub.Api.Orders;

/// <summary>What happens to orders, as metrics: <c>dinehub.orders</c> by stage, <c>dinehub.order.stage.duration</c> by stage left.</summary>
internal static class OrderMetrics
{
    private static readonly Meter Meter = new("DineHub.Orders");

    private static readonly Counter<long> Orders = Meter.CreateCounter<long>(
        "dinehub.orders", "{order}", "Orders that have reached a stage, by stage and fulfilment.");

    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>(
        "dinehub.order.stage.duration", "s", "How long orders were in a stage, by the stage that they left.");

    /// <summary>Counts the stage that an order has just reached.</summary>
    public static void Count(Order order)
    {
        Orders.Add(1, new("status", order.Status.ToString()), new("fulfilment", order.Fulfilment.Type.ToString()));
        if (order.History is [.., var left, var reached])
        {
            Durations.Record((reached.At - left.At).TotalSeconds, new KeyValuePair<string, object?>("status", left.Status.ToString()));
        }
    }
}
