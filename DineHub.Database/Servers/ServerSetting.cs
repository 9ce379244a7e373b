using System.Text.RegularExpressions;

namespace DineHub.Database.Servers;

/// <summary>A setting of PostgreSQL, as a line of postgresql.conf.</summary>
/// <param name="Name">Its name: <c>wal_keep_size</c>, <c>citus.local_hostname</c>.</param>
/// <param name="Value">Its value, not quoted.</param>
public sealed partial record ServerSetting(string Name, string Value)
{
    /// <summary>Reads <c>NAME=VALUE</c>.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">The text is no setting; the message quotes it.</exception>
    public static ServerSetting Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Pattern().Match(text) is { Success: true, Groups: var groups }
            ? new ServerSetting(groups["name"].Value, groups["value"].Value)
            : throw new FormatException($"'{text}' must be NAME=VALUE on one line, such as wal_keep_size=256MB.");
    }

    /// <summary>The line of postgresql.conf; quotes and backslashes are escaped (PostgreSQL documentation, 20.1.2).</summary>
    public override string ToString() =>
        $"{Name} = '{Value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"\A(?<name>[A-Za-z_][A-Za-z0-9_.]*)=(?<value>[^\p{Cc}]*)\z")]
    private static partial Regex Pattern();
}
