using System.Globalization;
using System.Text.RegularExpressions;

namespace DineHub.AppHost.Publishing;

/// <summary>What an instance type of Amazon EC2 tells by its name ("Amazon EC2 instance type naming conventions").</summary>
internal static partial class InstanceType
{
    private const int MiBPerGiB = 1024;

    /// <summary>Whether its processors are Graviton (arm64) and not x86_64.</summary>
    public static bool IsArm(string type) => FamilyPattern().Match(type) is { Success: true } match && match.Groups["attributes"].Value.Contains('g', StringComparison.Ordinal);

    /// <summary>The platform that Nix builds for.</summary>
    public static string System(string type) => IsArm(type) ? "aarch64-linux" : "x86_64-linux";

    /// <summary>Its memory in MiB; null where the family (t, m, c, r are known) or the size does not tell.</summary>
    public static int? MemoryMiB(string type)
    {
        var match = FamilyPattern().Match(type);
        if (!match.Success)
        {
            return null;
        }

        // In the family m; c has half of it, r twice as much. The family t goes below.
        double? gibibytes = match.Groups["size"].Value switch
        {
            "nano" => 0.5,
            "micro" => 1,
            "small" => 2,
            "medium" => 4,
            "large" => 8,
            "xlarge" => 16,
            var size when size.EndsWith("xlarge", StringComparison.Ordinal) && int.TryParse(size[..^6], CultureInfo.InvariantCulture, out var times) => 16 * times,
            _ => null,
        };
        var factor = match.Groups["family"].Value switch
        {
            "t" or "m" => 1.0,
            "c" => 0.5,
            "r" => 2.0,
            _ => 0,
        };
        return gibibytes is { } known && factor > 0 ? (int)(known * factor * MiBPerGiB) : null;
    }

    [GeneratedRegex(@"\A(?<family>[a-z]+)\d+(?<attributes>[a-z-]*)\.(?<size>[a-z0-9]+)\z")]
    private static partial Regex FamilyPattern();
}
