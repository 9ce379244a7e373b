using System.Globalization;

namespace DineHub.Database.Backups;

/// <summary>
/// One file of WAL. Its name is three numbers of 8 hexadecimal digits: timeline, and the high and low part of its number. Segments are those
/// of initdb's default, 16 MiB: 256 to a high part.
/// </summary>
/// <param name="Timeline">Its timeline, from 1.</param>
/// <param name="Number">Its number, the same on all timelines.</param>
internal readonly record struct WalSegment(uint Timeline, ulong Number)
{
    private const int NameLength = 24;
    private const ulong Bytes = 16 * 1024 * 1024;
    private const ulong PerHighPart = 0x1_0000_0000 / Bytes;

    /// <summary>Reads the name of a segment, or of the archive's file of it, which goes on with <c>-checksum</c>.</summary>
    public static WalSegment? TryParse(string name) =>
        (name.Length == NameLength || (name.Length > NameLength && name[NameLength] == '-'))
        && uint.TryParse(name.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var timeline)
        && ulong.TryParse(name.AsSpan(8, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
        && ulong.TryParse(name.AsSpan(16, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)
            ? new WalSegment(timeline, (high * PerHighPart) + low)
            : null;

    public static WalSegment Parse(string name) => TryParse(name) ?? throw new FormatException($"'{name}' is not the name of a WAL segment.");

    /// <summary>The number of the segment that holds the byte before a location.</summary>
    public static ulong NumberBefore(ulong location) => (location - 1) / Bytes;

    /// <summary>Reads a WAL location: <c>0/2000028</c>.</summary>
    public static ulong ParseLocation(string text) =>
        text.Split('/') is [var high, var low]
            ? (ulong.Parse(high, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) << 32)
                | ulong.Parse(low, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : throw new FormatException($"'{text}' is not a WAL location.");

    public override string ToString() => $"{Timeline:X8}{Number / PerHighPart:X8}{Number % PerHighPart:X8}";
}
