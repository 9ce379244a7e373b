using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>
/// Puts values into nginx' configuration so that none of them can be read as more than a value. What nginx' lexer does to a quoted
/// text is in ngx_conf_read_token: a backslash stands for itself unless a quote, a backslash or t, r, n follows.
/// </summary>
internal static partial class NginxText
{
    /// <summary>A quoted text in which nothing is special. nginx has no way to write a dollar sign where it looks for variables.</summary>
    /// <exception cref="ArgumentException">There is a dollar sign or a control character in it.</exception>
    public static string Literal(string text) =>
        text.Contains('$', StringComparison.Ordinal) ? throw new ArgumentException($"'{text}' has a dollar sign, which nginx cannot hold.", nameof(text)) : Quote(text);

    /// <summary>A quoted text of this program's own, whose variables nginx fills in, or a regular expression.</summary>
    /// <exception cref="ArgumentException">There is a control character in it.</exception>
    public static string Quote(string text)
    {
        if (text.Any(char.IsControl))
        {
            throw new ArgumentException("A text for nginx has a control character.", nameof(text));
        }

        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal);
        return escaped.Contains('"', StringComparison.Ordinal) && !escaped.Contains('\'', StringComparison.Ordinal)
            ? $"'{escaped}'"
            : $"\"{escaped.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A file's path, quoted.</summary>
    /// <exception cref="ArgumentException">It is not absolute, or has a character that nginx cannot hold.</exception>
    public static string File(string path, string setting) =>
        path.StartsWith('/') && !path.Contains('$', StringComparison.Ordinal) && !path.Any(char.IsControl)
            ? Quote(path)
            : throw new ArgumentException($"{setting}: must be an absolute path without dollar signs and control characters, but is '{path}'.", setting);

    /// <summary>A host and its port as nginx writes them.</summary>
    /// <exception cref="ArgumentException">The host is neither a DNS name nor an IP address, or there is no such port.</exception>
    public static string Address(string host, int port, string setting)
    {
        if (IPAddress.TryParse(host, out _))
        {
            return IpAddress(host, setting, port, setting);
        }

        return IsDnsName(host)
            ? string.Create(CultureInfo.InvariantCulture, $"{host}:{Port(port, setting)}")
            : throw new ArgumentException($"{setting}: must be a DNS name or an IP address, but is '{host}'.", setting);
    }

    /// <summary>An IP address and a port as nginx writes them.</summary>
    /// <exception cref="ArgumentException">It is no IP address, or there is no such port.</exception>
    public static string IpAddress(string address, string addressSetting, int port, string portSetting)
    {
        if (!IPAddress.TryParse(address, out var parsed))
        {
            throw new ArgumentException($"{addressSetting}: must be an IP address, but is '{address}'.", addressSetting);
        }

        // As it is read, not as it is written: "1" is an address to .NET, and a zone has no place here.
        var name = new IPAddress(parsed.GetAddressBytes()).ToString();
        return string.Create(CultureInfo.InvariantCulture, $"{(parsed.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{name}]" : name)}:{Port(port, portSetting)}");
    }

    /// <summary>A name of DNS, or one that looks like it: a node's, a region's.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static string Name(string name, string setting) =>
        IsDnsName(name) ? name : throw new ArgumentException($"{setting}: must be a DNS name, but is '{name}'.", setting);

    /// <summary>A regular expression for texts longer than that, of any size: PCRE takes repetitions up to 65,535 only.</summary>
    public static string LongerThan(int length) => Quote(string.Create(CultureInfo.InvariantCulture, $"(?s)^(?:.{{1024}}){{{length / 1024}}}.{{{(length % 1024) + 1}}}"));

    private static int Port(int port, string setting) =>
        port is >= 1 and <= 65535 ? port : throw new ArgumentException($"{setting}: must be a port from 1 to 65535, but is {port}.", setting);

    private static bool IsDnsName(string name) => name.Length is > 0 and <= 253 && name.Split('.').All(label => LabelPattern().IsMatch(label));

    [GeneratedRegex(@"\A[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\z")]
    private static partial Regex LabelPattern();
}
