using DineHub.Topology;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>One machine that a resource is published as.</summary>
/// <param name="node">The node of the topology.</param>
public sealed class NixOSHost(Node node)
{
    private readonly Dictionary<string, object?> options = [];

    /// <summary>The node of the topology.</summary>
    public Node Node { get; } = node;

    /// <summary>The machine's name.</summary>
    public string Name => Node.Name;

    internal IEnumerable<NodeOption> Options => options.Select(option => new NodeOption(Name, option.Key, option.Value));

    /// <summary>Sets an option of NixOS on this machine, as <c>NodeOptions</c> of the topology does; the last one holds.</summary>
    /// <param name="option">The dotted name: <c>services.openssh.settings.LogLevel</c>.</param>
    /// <param name="value">A text, a number, a flag or null; a list or a map of these.</param>
    public NixOSHost Set(string option, object? value)
    {
        ArgumentException.ThrowIfNullOrEmpty(option);
        options[option] = value is int number ? (long)number : value;
        return this;
    }
}
