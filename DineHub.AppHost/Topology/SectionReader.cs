using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Topology;

/// <summary>
/// Reads one section of the configuration and remembers every mistake. The framework's binder stops at the first, and drops a
/// misspelt key without a word.
/// </summary>
/// <param name="section">The section; the root has the path "".</param>
/// <param name="errors">Where mistakes go.</param>
internal sealed class SectionReader(IConfiguration section, List<TopologyError> errors)
{
    private readonly HashSet<string> read = new(StringComparer.OrdinalIgnoreCase);

    public string Path { get; } = (section as IConfigurationSection)?.Path ?? "";

    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}:{key}";

    public void Fail(string key, string message) => errors.Add(new TopologyError(PathOf(key), message));

    public string Text(string key, string? fallback = null)
    {
        read.Add(key);
        var value = section[key];
        if (!string.IsNullOrWhiteSpace(value))
        {
            return value;
        }

        if (fallback is null)
        {
            Fail(key, "is required");
        }

        return fallback ?? "";
    }

    public int Number(string key, int fallback, int minimum, int maximum)
    {
        var text = Text(key, fallback.ToString(CultureInfo.InvariantCulture));
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            Fail(key, $"must be a whole number, but is '{text}'");
            return fallback;
        }

        if (number < minimum || number > maximum)
        {
            Fail(key, $"must be between {minimum} and {maximum}, but is {number}");
            return fallback;
        }

        return number;
    }

    public bool Flag(string key, bool fallback)
    {
        var text = Text(key, fallback ? "true" : "false");
        if (bool.TryParse(text, out var flag))
        {
            return flag;
        }

        Fail(key, $"must be true or false, but is '{text}'");
        return fallback;
    }

    public T Choice<T>(string key, T fallback)
        where T : struct, Enum
    {
        var text = Text(key, fallback.ToString());
        if (Enum.GetNames<T>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } found)
        {
            return Enum.Parse<T>(found);
        }

        Fail(key, $"must be {string.Join(" or ", Enum.GetNames<T>())}, but is '{text}'");
        return fallback;
    }

    public SectionReader Section(string key)
    {
        read.Add(key);
        return new SectionReader(section.GetSection(key), errors);
    }

    public IReadOnlyList<SectionReader> List(string key)
    {
        read.Add(key);
        var children = section.GetSection(key).GetChildren().ToList();
        foreach (var child in children.Where(child => !int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            errors.Add(new TopologyError(child.Path, "must be a position in the list: 0, 1, 2 …"));
        }

        return [.. children.Select(child => new SectionReader(child, errors))];
    }

    /// <summary>Reports the keys that nobody has asked for.</summary>
    public void RefuseUnknown()
    {
        foreach (var child in section.GetChildren().Where(child => !read.Contains(child.Key)))
        {
            errors.Add(new TopologyError(child.Path, $"is not a setting; there are {string.Join(", ", read.Order(StringComparer.Ordinal))}"));
        }
    }
}
