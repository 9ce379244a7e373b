using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DineHub.Tests.Metrics;

/// <summary>A line of Prometheus' text format.</summary>
internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>Reads Prometheus' text format 0.0.4 as its specification says, and knows nothing of who wrote it.</summary>
internal static partial class PrometheusText
{
    /// <summary>Every sample, in order. Fails on what is neither a sample nor a comment, and on a series that is there twice.</summary>
    public static IReadOnlyList<Sample> Read(string text)
    {
        text.ShouldEndWith("\n");
        var samples = text[..^1].Split('\n').Where(line => !line.StartsWith('#')).Select(ReadSample).ToList();
        samples.Select(sample => sample.Name + JsonSerializer.Serialize(sample.Labels.OrderBy(label => label.Key))).ShouldBeUnique();
        return samples;
    }

    /// <summary>The comments of a kind, TYPE or HELP, by the metric's name. Fails on one that is there twice.</summary>
    public static Dictionary<string, string> Comments(string text, string kind) => text.Split('\n')
        .Where(line => line.StartsWith($"# {kind} ", StringComparison.Ordinal))
        .Select(line => line.Split(' ', 4))
        .ToDictionary(words => words[2], words => words[3]);

    private static Sample ReadSample(string line)
    {
        var match = SamplePattern().Match(line);
        match.Success.ShouldBeTrue($"not a sample: {line}");
        var value = match.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        var labels = match.Groups["key"].Captures.Zip(match.Groups["text"].Captures)
            .ToDictionary(pair => pair.First.Value, pair => EscapePattern().Replace(pair.Second.Value, escape => escape.Value == "\\n" ? "\n" : escape.Value[1..]));
        return new Sample(match.Groups["name"].Value, labels, value);
    }

    [GeneratedRegex(
        """\A(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<text>([^"\\\n]|\\[\\"n])*)",?)*\})? (?<value>[^ ]+)\z""",
        RegexOptions.ExplicitCapture)]
    private static partial Regex SamplePattern();

    [GeneratedRegex("""\\[\\"n]""")]
    private static partial Regex EscapePattern();
}
