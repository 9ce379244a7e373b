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
        using var process = Process.Start(new ProcessStartInfo(Program, ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(text);
        process.StandardInput.Close();
        await process.WaitForExitAsync();

        // 3: it can be read, but is not all as Prometheus would name it.
        process.ExitCode.ShouldBeOneOf([0, 3], $"{await output}{await errors}");
        return (await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
