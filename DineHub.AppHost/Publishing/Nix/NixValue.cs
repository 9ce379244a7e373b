namespace DineHub.AppHost.Publishing.Nix;

/// <summary>A value of the Nix language.</summary>
public abstract record NixValue
{
    /// <summary>A string.</summary>
    /// <param name="text">The text.</param>
    public static implicit operator NixValue(string text) => new NixText(text);

    /// <summary>An integer.</summary>
    /// <param name="number">The number.</param>
    public static implicit operator NixValue(long number) => new NixNumber(number);

    /// <summary>A truth value.</summary>
    /// <param name="flag">The value.</param>
    public static implicit operator NixValue(bool flag) => new NixFlag(flag);

    /// <summary>A list of strings.</summary>
    /// <param name="texts">The texts.</param>
    public static NixList List(IEnumerable<string> texts) => new([.. texts.Select(text => (NixValue)text)]);

    /// <summary>The value of an option that the topology sets.</summary>
    /// <param name="value">What configuration has: see <see cref="DineHub.Topology.NodeOption.Value"/>.</param>
    /// <exception cref="ArgumentException">It is of another type.</exception>
    public static NixValue Of(object? value) => value switch
    {
        null => new NixNull(),
        string text => text,
        long number => number,
        double number => new NixReal(number),
        bool flag => flag,
        IReadOnlyList<object?> list => new NixList([.. list.Select(Of)]),
        IReadOnlyDictionary<string, object?> map => new NixSet([.. map.Select(pair => new NixBinding([pair.Key], Of(pair.Value)))]),
        _ => throw new ArgumentException($"{value.GetType()} has no counterpart in Nix.", nameof(value)),
    };
}

/// <summary>A string.</summary>
/// <param name="Text">The text.</param>
public sealed record NixText(string Text) : NixValue;

/// <summary>An integer.</summary>
/// <param name="Number">The number.</param>
public sealed record NixNumber(long Number) : NixValue;

/// <summary>A floating-point number.</summary>
/// <param name="Number">The number; finite.</param>
public sealed record NixReal(double Number) : NixValue;

/// <summary>A truth value.</summary>
/// <param name="Flag">The value.</param>
public sealed record NixFlag(bool Flag) : NixValue;

/// <summary>Null.</summary>
public sealed record NixNull : NixValue;

/// <summary>A path, relative to the file that it stands in.</summary>
/// <param name="Path">Such as <c>../generated/cluster.nix</c>.</param>
public sealed record NixPath(string Path) : NixValue;

/// <summary>A list.</summary>
/// <param name="Items">The items.</param>
public sealed record NixList(IReadOnlyList<NixValue> Items) : NixValue;

/// <summary>An attribute set, in the order of its bindings.</summary>
/// <param name="Bindings">The bindings.</param>
public sealed record NixSet(IReadOnlyList<NixBinding> Bindings) : NixValue
{
    /// <summary>A set of names and values.</summary>
    /// <param name="bindings">Names, which may be dotted, and values.</param>
    public static NixSet Of(params IEnumerable<(string Name, NixValue Value)> bindings) =>
        new([.. bindings.Select(binding => new NixBinding(binding.Name.Split('.'), binding.Value))]);
}

/// <summary>A binding of an attribute set: <c>networking.hostName = "backend-eu-1";</c></summary>
/// <param name="Path">The names, the outermost first.</param>
/// <param name="Value">The value.</param>
public sealed record NixBinding(IReadOnlyList<string> Path, NixValue Value);
