using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace DineHub.Topology.Configuration;

/// <summary>
/// Reads one section of the configuration and remembers every mistake. The framework's binder stops at the first, and drops a
/// misspelt key without a word.
/// </summary>
/// <param name="section">The section; the root has the path "".</param>
/// <param name="errors">Where mistakes go.</param>
public sealed class SectionReader(IConfiguration section, List<ConfigurationError> errors)
{
    private readonly HashSet<string> read = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The section's path; empty for the root.</summary>
    public string Path { get; } = (section as IConfigurationSection)?.Path ?? "";

    /// <summary>The path of a key of this section.</summary>
    /// <param name="key">The key.</param>
    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}:{key}";

    /// <summary>Notes a mistake.</summary>
    /// <param name="key">The key that is wrong.</param>
    /// <param name="message">The rule that is broken, as the end of a sentence that the key begins.</param>
    public void Fail(string key, string message) => errors.Add(new ConfigurationError(PathOf(key), message));

    /// <summary>Reads text; without a fallback it is required.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">What holds where it is absent or blank.</param>
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

    /// <summary>Reads a whole number.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">What holds where it is absent, or wrong.</param>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The greatest.</param>
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

    /// <summary>Reads true or false.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">What holds where it is absent, or wrong.</param>
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

    /// <summary>Reads one of an enumeration's names, in any case.</summary>
    /// <typeparam name="T">The enumeration.</typeparam>
    /// <param name="key">The key.</param>
    /// <param name="fallback">What holds where it is absent, or wrong.</param>
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

    /// <summary>A section below this one.</summary>
    /// <param name="key">Its key.</param>
    public SectionReader Section(string key)
    {
        read.Add(key);
        return new SectionReader(section.GetSection(key), errors);
    }

    /// <summary>The sections of a list below this one.</summary>
    /// <param name="key">The list's key.</param>
    public IReadOnlyList<SectionReader> List(string key)
    {
        read.Add(key);
        var children = section.GetSection(key).GetChildren().ToList();
        foreach (var child in children.Where(child => !int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            errors.Add(new ConfigurationError(child.Path, "must be a position in the list: 0, 1, 2 …"));
        }

        return [.. children.Select(child => new SectionReader(child, errors))];
    }

    /// <summary>Reports every key that has not been read.</summary>
    public void RefuseUnknown()
    {
        foreach (var child in section.GetChildren().Where(child => !read.Contains(child.Key)))
        {
            errors.Add(new ConfigurationError(child.Path, $"is not a setting; there are {string.Join(", ", read.Order(StringComparer.Ordinal))}"));
        }
    }
}
