using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace DineHub.ServiceDefaults;

/// <summary>
/// The metrics of this process in Prometheus' text format 0.0.4, collected when they are asked for. Names, units and labels follow
/// OpenTelemetry's "Prometheus and OpenMetrics Compatibility". Exponential histograms and exemplars, for which the format has no
/// words, are left out. OpenTelemetry.Exporter.Prometheus.AspNetCore would replace this file; the feed that builds here lacks it.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed partial class PrometheusMetrics : BaseExporter<Metric>, IPullMetricExporter
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";
    private const string Counter = "counter";
    private const string Gauge = "gauge";
    private const string Histogram = "histogram";
    private const string Total = "_total";
    private const string Bound = "le";
    private const int CollectMilliseconds = 5000;

    private readonly SemaphoreSlim oneAtATime = new(1, 1);
    private string? exported;

    /// <summary>Set by the reader that this exporter is given to.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects the metrics; concurrent calls wait for their turn.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The text, or null where nothing could be collected.</returns>
    public async Task<string?> CollectAsync(CancellationToken cancellationToken)
    {
        await oneAtATime.WaitAsync(cancellationToken);
        try
        {
            exported = null;
            return Collect?.Invoke(CollectMilliseconds) is true ? exported : null;
        }
        finally
        {
            exported = null;
            oneAtATime.Release();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        // Meters may share names, and a name's samples must stand together.
        var families = new SortedDictionary<string, List<Metric>>(StringComparer.Ordinal);
        foreach (var metric in batch)
        {
            if (TypeOf(metric) is { } type)
            {
                var name = NameOf(metric, type);
                if (!families.TryGetValue(name, out var family))
                {
                    families[name] = family = [];
                }

                family.Add(metric);
            }
        }

        var text = new StringBuilder();
        WriteTarget(text);
        foreach (var (name, family) in families)
        {
            WriteFamily(text, name, family);
        }

        exported = text.ToString();
        return ExportResult.Success;
    }

    private static string? TypeOf(Metric metric) => metric.MetricType switch
    {
        MetricType.LongSum or MetricType.DoubleSum => Counter,
        MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic or MetricType.LongGauge or MetricType.DoubleGauge => Gauge,
        MetricType.Histogram => Histogram,
        _ => null,
    };

    private static string NameOf(Metric metric, string type)
    {
        var name = Valid(InvalidInName().Replace(metric.Name, "_"));
        if (type == Counter && name.EndsWith(Total, StringComparison.Ordinal))
        {
            name = name[..^Total.Length];
        }

        var unit = UnitOf(metric);
        if (unit.Length > 0 && !$"_{name}".EndsWith($"_{unit}", StringComparison.Ordinal))
        {
            name += $"_{unit}";
        }

        return type == Counter ? name + Total : name;
    }

    private static string UnitOf(Metric metric)
    {
        var unit = Annotation().Replace(metric.Unit, "");
        if (unit == "1")
        {
            return metric.MetricType is MetricType.LongGauge or MetricType.DoubleGauge ? "ratio" : "";
        }

        var (of, per) = unit.Split('/', 2) is [var left, var right] ? (Plural(left), Singular(right)) : (Plural(unit), "");
        return per.Length == 0 ? of : $"{of}_per_{per}".TrimStart('_');
    }

    // UCUM's abbreviations in words, as OpenTelemetry's Collector spells them.
    private static string Plural(string unit) => unit switch
    {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "kBy" or "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "m" => "meters",
        "g" => "grams",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "Hz" => "hertz",
        "Cel" => "celsius",
        "%" => "percent",
        "1" => "",
        _ => InvalidInLabel().Replace(unit, "_").Trim('_'),
    };

    private static string Singular(string unit) => unit switch
    {
        "s" => "second",
        "min" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ => InvalidInLabel().Replace(unit, "_").Trim('_'),
    };

    private static void WriteFamily(StringBuilder text, string name, List<Metric> family)
    {
        // Of what shares a name, the first says what it is and what it is for; what is of another type is dropped.
        var type = TypeOf(family[0])!;
        var samples = new StringBuilder();
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var metric in family.Where(metric => TypeOf(metric) == type))
        {
            var scope = ScopeOf(metric);
            foreach (ref readonly var point in metric.GetMetricPoints())
            {
                List<KeyValuePair<string, object?>> tags = [.. scope];
                foreach (var tag in point.Tags)
                {
                    tags.Add(new(type == Histogram && tag.Key == Bound ? "exported_" + Bound : tag.Key, tag.Value));
                }

                // Twice the same series, as of a meter that was disposed of and one that took its place, and all of the text is refused.
                var labels = LabelsOf(tags);
                if (!written.Add(labels))
                {
                    continue;
                }

                if (type == Histogram)
                {
                    WriteHistogram(samples, name, labels, point);
                }
                else
                {
                    WriteSample(samples, name, labels, ValueOf(metric, point));
                }
            }
        }

        if (samples.Length > 0)
        {
            WriteHead(text, name, type, family[0].Description);
            text.Append(samples);
        }
    }

    private static List<KeyValuePair<string, object?>> ScopeOf(Metric metric)
    {
        List<KeyValuePair<string, object?>> scope = [new("otel_scope_name", metric.MeterName)];
        if (!string.IsNullOrEmpty(metric.MeterVersion))
        {
            scope.Add(new("otel_scope_version", metric.MeterVersion));
        }

        scope.AddRange((metric.MeterTags ?? []).Select(tag => KeyValuePair.Create("otel_scope_" + tag.Key, tag.Value)));
        return scope;
    }

    private static string ValueOf(Metric metric, in MetricPoint point) => metric.MetricType switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => Number(point.GetSumLong()),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => Number(point.GetSumDouble()),
        MetricType.LongGauge => Number(point.GetGaugeLastValueLong()),
        _ => Number(point.GetGaugeLastValueDouble()),
    };

    private static void WriteHistogram(StringBuilder text, string name, string labels, in MetricPoint point)
    {
        var prefix = labels.Length == 0 ? "" : labels + ",";
        var below = 0L;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            if (!double.IsPositiveInfinity(bucket.ExplicitBound))
            {
                WriteSample(text, name + "_bucket", $"{prefix}{Bound}=\"{Number(bucket.ExplicitBound)}\"", Number(below));
            }
        }

        var count = Number(point.GetHistogramCount());
        WriteSample(text, name + "_bucket", $"{prefix}{Bound}=\"+Inf\"", count);
        WriteSample(text, name + "_sum", labels, Number(point.GetHistogramSum()));
        WriteSample(text, name + "_count", labels, count);
    }

    private static void WriteHead(StringBuilder text, string name, string type, string help)
    {
        if (help.Length > 0)
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(help)).Append('\n');
        }

        text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }

    private static void WriteSample(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }

    // Values whose keys become one name are joined, in the order of the keys.
    private static string LabelsOf(IEnumerable<KeyValuePair<string, object?>> tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags.OrderBy(tag => tag.Key, StringComparer.Ordinal))
        {
            var name = Valid(InvalidInLabel().Replace(key, "_"));
            labels[name] = labels.TryGetValue(name, out var others) ? $"{others};{TextOf(value)}" : TextOf(value);
        }

        return string.Join(',', labels.Select(label => $"{label.Key}=\"{Escape(label.Value).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));
    }

    private static string TextOf(object? value) => value switch
    {
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Valid(string name) => name.Length == 0 || char.IsAsciiDigit(name[0]) ? "_" + name : name;

    private static string Escape(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    private void WriteTarget(StringBuilder text)
    {
        var labels = LabelsOf(ParentProvider.GetResource().Attributes.Select(attribute => KeyValuePair.Create<string, object?>(attribute.Key, attribute.Value)));
        if (labels.Length > 0)
        {
            WriteHead(text, "target_info", Gauge, "The process that the metrics are of.");
            WriteSample(text, "target_info", labels, "1");
        }
    }

    [GeneratedRegex("[^a-zA-Z0-9:]+")]
    private static partial Regex InvalidInName();

    [GeneratedRegex("[^a-zA-Z0-9]+")]
    private static partial Regex InvalidInLabel();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Annotation();
}
