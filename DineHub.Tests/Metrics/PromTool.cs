using System.Diagnostics;

namespace DineHub.Tests.Metrics;

/// <summary>Prometheus' own opinion of a text.</summary>
internal static class PromTool
{
    public const string Program = "promtool";
    public const string Package = "prometheus";

    /// <summary>What <c>promtool check metrics</c> objects to, one a line. Fails where it cannot read the text.</summary>
    public static async Task<IReadOnlyList<string>> CheckAsync(string text)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(new ProcessStartInfo(Program, ["check", "metrics"]), text);

        // 3: it can be read, but is not all as Prometheus would name it.
        exitCode.ShouldBeOneOf([0, 3], output + errors);
        return errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
