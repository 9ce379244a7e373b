using System.Globalization;
using System.Text.RegularExpressions;

namespace DineHub.Database.Nodes;

/// <summary>
/// A minor version of Citus, such as 13.2: that of a library (<c>13.2.2</c>) or of an extension (<c>13.2-1</c>). Citus 13.2 and later work with an extension that is
/// one minor version older or newer (metadata_cache.c, MinorVersionsCompatibleRelaxed), so that servers can be upgraded one at a time.
/// </summary>
/// <param name="Major">The major version, from 1.</param>
/// <param name="Minor">The minor version, from 0.</param>
internal readonly partial record struct CitusVersion(int Major, int Minor) : IComparable<CitusVersion>
{
    private static readonly CitusVersion Tolerant = new(13, 2);

    /// <summary>Reads a version.</summary>
    /// <param name="text">As Citus writes it.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public static CitusVersion Parse(string text) => Pattern().Match(text) is { Success: true, Groups: var parts }
        ? new(int.Parse(parts[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(parts[2].ValueSpan, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is not a version of Citus.");

    /// <summary>Whether servers of the two versions work together for the time of an upgrade.</summary>
    /// <param name="other">The other version.</param>
    public bool WorksWith(CitusVersion other) =>
        Major == other.Major && Math.Abs(Minor - other.Minor) <= 1 && (this == other || Major > Tolerant.Major || Math.Max(Minor, other.Minor) >= Tolerant.Minor);

    /// <inheritdoc/>
    public int CompareTo(CitusVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}";

    [GeneratedRegex(@"^(\d{1,4})\.(\d{1,4})", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
