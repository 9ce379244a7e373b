using System.Diagnostics.Metrics;
using DineHub.ServiceDefaults;
using FsCheck;
using FsCheck.Fluent;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace DineHub.Tests.Metrics;

/// <summary>The text for the instruments of a meter without other listeners.</summary>
public sealed class PrometheusMetricsTests : IDisposable
{
    private readonly Meter meter = new($"Test.{Guid.NewGuid():N}");
    private readonly PrometheusMetrics metrics = new();
    private readonly MeterProvider provider;

    public PrometheusMetricsTests() => provider = Provider(metrics).Build();

    public void Dispose()
    {
        provider.Dispose();
        meter.Dispose();
        metrics.Dispose();
    }

    [Fact]
    public async Task A_counter_is_written_as_a_total()
    {
        var counter = meter.CreateCounter<long>("kitchen.orders", "{order}", "Orders, by \\ and\nmore.");
        counter.Add(2, new KeyValuePair<string, object?>("status", "Ready"));
        counter.Add(3, new KeyValuePair<string, object?>("status", "Ready"));
        (await LinesAsync("kitchen")).ShouldBe(
        [
            @"# HELP kitchen_orders_total Orders, by \\ and\nmore.",
            "# TYPE kitchen_orders_total counter",
            $$"""kitchen_orders_total{otel_scope_name="{{meter.Name}}",status="Ready"} 5""",
        ]);
    }

    [Fact]
    public async Task An_up_down_counter_is_written_as_a_gauge()
    {
        var counter = meter.CreateUpDownCounter<int>("kitchen.open", "1");
        counter.Add(2);
        counter.Add(-5);
        (await LinesAsync("kitchen")).ShouldBe(["# TYPE kitchen_open gauge", $$"""kitchen_open{otel_scope_name="{{meter.Name}}"} -3"""]);
    }

    [Theory]
    [InlineData(0.25, "0.25")]
    [InlineData(-1e300, "-1E+300")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public async Task A_gauge_is_written_with_its_last_value(double value, string written)
    {
        var gauge = meter.CreateGauge<double>("kitchen.load", "1");
        gauge.Record(17);
        gauge.Record(value);
        (await LinesAsync("kitchen")).ShouldBe(["# TYPE kitchen_load_ratio gauge", $$"""kitchen_load_ratio{otel_scope_name="{{meter.Name}}"} {{written}}"""]);
    }

    [Fact]
    public async Task What_is_observed_is_asked_for_at_each_scrape()
    {
        var asked = 0;
        meter.CreateObservableCounter("kitchen.asked", () => ++asked);
        await LinesAsync("kitchen");
        (await LinesAsync("kitchen"))[^1].ShouldEndWith(" 2");
    }

    [Fact]
    public async Task A_histogram_is_written_with_cumulative_buckets()
    {
        var histogram = meter.CreateHistogram("kitchen.wait", "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 10] });
        foreach (var seconds in new[] { 0.25, 0.5, 2, 3, 100 })
        {
            histogram.Record(seconds, new KeyValuePair<string, object?>("le", "mine"));
        }

        var labels = $"exported_le=\"mine\",otel_scope_name=\"{meter.Name}\"";
        (await LinesAsync("kitchen")).ShouldBe(
        [
            "# TYPE kitchen_wait_seconds histogram",
            $"kitchen_wait_seconds_bucket{{{labels},le=\"0.5\"}} 2",
            $"kitchen_wait_seconds_bucket{{{labels},le=\"1\"}} 2",
            $"kitchen_wait_seconds_bucket{{{labels},le=\"10\"}} 4",
            $"kitchen_wait_seconds_bucket{{{labels},le=\"+Inf\"}} 5",
            $"kitchen_wait_seconds_sum{{{labels}}} 105.75",
            $"kitchen_wait_seconds_count{{{labels}}} 5",
        ]);
    }

    [Fact]
    public async Task A_histogram_without_bounds_has_the_last_bucket_alone()
    {
        meter.CreateHistogram("kitchen.wait", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [] }).Record(1);
        (await SamplesAsync("kitchen")).Select(sample => (sample.Name, sample.Labels.GetValueOrDefault("le"), sample.Value)).ShouldBe(
            [("kitchen_wait_bucket", "+Inf", 1), ("kitchen_wait_sum", null, 1), ("kitchen_wait_count", null, 1)]);
    }

    [Theory]
    [InlineData("a.b-c/d__e", "", "a_b_c_d_e_total")]
    [InlineData("a", "s", "a_seconds_total")]
    [InlineData("a", "By", "a_bytes_total")]
    [InlineData("a", "ms", "a_milliseconds_total")]
    [InlineData("a", "1", "a_total")]
    [InlineData("a", "%", "a_percent_total")]
    [InlineData("a", "{order}", "a_total")]
    [InlineData("a", "{order}/s", "a_per_second_total")]
    [InlineData("a", "By/s", "a_bytes_per_second_total")]
    [InlineData("a", "By/{order}", "a_bytes_total")]
    [InlineData("a", "dish pairs", "a_dish_pairs_total")]
    [InlineData("a.total", "s", "a_seconds_total")]
    [InlineData("a.seconds.total", "s", "a_seconds_total")]
    [InlineData("a.seconds", "s", "a_seconds_total")]
    [InlineData("seconds", "s", "seconds_total")]
    [InlineData("milliseconds", "s", "milliseconds_seconds_total")]
    public async Task A_name_ends_with_its_unit_in_words(string name, string unit, string written)
    {
        meter.CreateCounter<long>(name, unit).Add(1);
        (await SamplesAsync("")).Select(sample => sample.Name).ShouldContain(written);
    }

    [Fact]
    public async Task Labels_whose_names_become_one_are_joined_and_others_are_made_valid()
    {
        meter.CreateCounter<long>("kitchen.orders").Add(
            1, new("z.z", 2.5), new("z-z", true), new("9", null), new("__a", "ä"));
        var labels = (await SamplesAsync("kitchen")).ShouldHaveSingleItem().Labels;
        labels.Where(label => label.Key != "otel_scope_name").ToDictionary().ShouldBe(
            new Dictionary<string, string> { ["z_z"] = "true;2.5", ["_9"] = "", ["_a"] = "ä" }, ignoreOrder: true);
    }

    [Fact]
    public void Label_values_are_read_back_as_they_were()
    {
        string[] parts = ["\\", "\"", "\n", "\\n", "\r", "{", "}", ",", "=", " ", "#", "n", "é", "€", "😀", "\t", "\u2028"];
        var values = Gen.Elements(parts).ListOf().Select(string.Concat).ListOf();
        Prop.ForAll(values.ToArbitrary(), list =>
        {
            using var own = new Meter($"{meter.Name}.{Guid.NewGuid():N}");
            using var exporter = new PrometheusMetrics();
            using var built = Provider(exporter, own.Name).Build();
            var counter = own.CreateCounter<int>("kitchen.orders");
            for (var i = 0; i < list.Count; i++)
            {
                counter.Add(1, new("number", i), new("value", list[i]));
            }

            var text = exporter.CollectAsync(CancellationToken.None).GetAwaiter().GetResult().ShouldNotBeNull();
            PrometheusText.Read(text).Where(sample => sample.Name == "kitchen_orders_total")
                .OrderBy(sample => int.Parse(sample.Labels["number"]))
                .Select(sample => sample.Labels["value"])
                .ShouldBe(list);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public async Task Meters_that_share_a_name_share_its_head_and_another_type_is_dropped()
    {
        using var second = new Meter($"{meter.Name}.second", "2.0", [new("shop", "a")]);
        using var third = new Meter($"{meter.Name}.third");
        meter.CreateCounter<long>("kitchen.orders", null, "First.").Add(1);
        meter.CreateCounter<long>("kitchen.other").Add(1);
        second.CreateCounter<long>("kitchen_orders", null, "Second.").Add(2);
        third.CreateGauge<long>("kitchen.orders.total").Record(3);
        (await LinesAsync("kitchen_orders")).ShouldBe(
        [
            "# HELP kitchen_orders_total First.",
            "# TYPE kitchen_orders_total counter",
            $$"""kitchen_orders_total{otel_scope_name="{{meter.Name}}"} 1""",
            $$"""kitchen_orders_total{otel_scope_name="{{second.Name}}",otel_scope_shop="a",otel_scope_version="2.0"} 2""",
        ]);
    }

    [Fact]
    public async Task A_meter_that_takes_the_place_of_another_writes_no_series_twice()
    {
        using (var first = new Meter($"{meter.Name}.again"))
        {
            first.CreateCounter<long>("kitchen.orders").Add(1);
            await SamplesAsync("kitchen");
        }

        using var second = new Meter($"{meter.Name}.again");
        second.CreateCounter<long>("kitchen.orders").Add(1);
        for (var i = 0; i < 3; i++)
        {
            (await SamplesAsync("kitchen")).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public async Task The_resource_is_written_as_target_info()
    {
        var target = (await SamplesAsync("target_info")).ShouldHaveSingleItem();
        (target.Labels["service_name"], target.Labels["service_instance_id"], target.Value).ShouldBe(("kitchen", "one", 1));
    }

    [Fact]
    public async Task Scrapes_take_nothing_from_another_reader()
    {
        using var exporter = new PrometheusMetrics();
        using var other = new SumExporter();
        using var reader = new BaseExportingMetricReader(other) { TemporalityPreference = MetricReaderTemporalityPreference.Delta };
        using var built = Provider(exporter).AddReader(reader).Build();
        var counter = meter.CreateCounter<long>("kitchen.orders");
        for (var i = 1; i <= 3; i++)
        {
            counter.Add(5);
            (await exporter.CollectAsync(CancellationToken.None)).ShouldNotBeNull().ShouldContain($"}} {5 * i}\n");
            reader.Collect();
        }

        other.Sums.ShouldBe([5, 5, 5]);
    }

    [Fact]
    public async Task Concurrent_scrapes_take_turns_and_each_collects_its_own_values()
    {
        const int scrapes = 8;
        using var started = new CountdownEvent(scrapes);
        var collections = 0;
        meter.CreateObservableGauge("kitchen.collections", () =>
        {
            // Until all have come, and those that do not take turns would get in each other's way.
            started.Wait(Deadline.Usual).ShouldBeTrue();
            Thread.Sleep(20);
            return ++collections;
        });
        var texts = await Task.WhenAll(Enumerable.Range(0, scrapes).Select(_ => Task.Run(() =>
        {
            started.Signal();
            return metrics.CollectAsync(CancellationToken.None);
        })));
        texts.Select(text => PrometheusText.Read(text.ShouldNotBeNull()).Single(sample => sample.Name == "kitchen_collections").Value)
            .ShouldBe(Enumerable.Range(1, scrapes).Select(value => (double)value), ignoreOrder: true);
    }

    [Fact]
    public async Task Without_a_provider_there_is_nothing()
    {
        using var exporter = new PrometheusMetrics();
        (await exporter.CollectAsync(CancellationToken.None)).ShouldBeNull();
    }

    [RequiresProgramFact(PromTool.Program, PromTool.Package)]
    public async Task Prometheus_has_no_objection()
    {
        meter.CreateCounter<long>("kitchen.orders", "{order}", "Quotes \" and \\ and\nlines.").Add(1, new KeyValuePair<string, object?>("a.b", "\"\\\n,{}"));
        meter.CreateUpDownCounter<long>("kitchen.open", null, "Open orders.").Add(-1);
        meter.CreateGauge<double>("kitchen.load", "1", "How full it is.").Record(double.NaN);
        meter.CreateHistogram<double>("kitchen.wait", "s", "How long they wait.").Record(1.5);
        (await PromTool.CheckAsync(await TextAsync())).ShouldBeEmpty();
    }

    private MeterProviderBuilder Provider(PrometheusMetrics exporter, string? name = null) => Sdk.CreateMeterProviderBuilder()
        .ConfigureResource(resource => resource.AddService("kitchen", serviceInstanceId: "one"))
        .AddMeter(name ?? $"{meter.Name}*")
        .AddReader(new BaseExportingMetricReader(exporter));

    private async Task<string> TextAsync() => (await metrics.CollectAsync(CancellationToken.None)).ShouldNotBeNull();

    // Comments and samples of the metrics whose names begin so.
    private async Task<IReadOnlyList<string>> LinesAsync(string prefix) =>
        [.. (await TextAsync()).Split('\n').Where(line => line.Split(' ') is ["#", _, var name, ..]
            ? name.StartsWith(prefix, StringComparison.Ordinal)
            : line.StartsWith(prefix, StringComparison.Ordinal))];

    private async Task<IReadOnlyList<Sample>> SamplesAsync(string prefix) =>
        [.. PrometheusText.Read(await TextAsync()).Where(sample => sample.Name.StartsWith(prefix, StringComparison.Ordinal))];

    private sealed class SumExporter : BaseExporter<Metric>
    {
        public List<long> Sums { get; } = [];

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (var metric in batch)
            {
                foreach (ref readonly var point in metric.GetMetricPoints())
                {
                    Sums.Add(point.GetSumLong());
                }
            }

            return ExportResult.Success;
        }
    }
}
