using System.Runtime.CompilerServices;

namespace DineHub.AppHost.Running;

/// <summary>The nodes of the cluster that run on this machine.</summary>
/// <param name="all">The nodes, in the order in which people read them.</param>
internal sealed class ClusterNodes(IReadOnlyList<ClusterNode> all) : IDisposable
{
    /// <summary>The nodes.</summary>
    public IReadOnlyList<ClusterNode> All { get; } = all;

    /// <summary>The node of a name.</summary>
    /// <param name="name">The name in the topology.</param>
    /// <exception cref="ArgumentException">No node of that name runs here.</exception>
    public ClusterNode Get(string name) =>
        All.FirstOrDefault(node => node.Name == name)
        ?? throw new ArgumentException($"No node '{name}' runs here; there are {string.Join(", ", All.Select(node => node.Name))}.", nameof(name));

    /// <summary>The layers in which nodes stop. Which of a group is the primary is looked up when its layer's turn comes.</summary>
    /// <param name="ct">Ends the look-up.</param>
    public async IAsyncEnumerable<IReadOnlyList<ClusterNode>> StopOrderAsync([EnumeratorCancellation] CancellationToken ct)
    {
        yield return [.. All.Where(node => node.Layer == StopLayer.Gateways)];
        yield return [.. All.Where(node => node.Layer == StopLayer.Services)];
        var servers = All.Where(node => node.Layer == StopLayer.Servers).ToList();
        var areStandbys = await Task.WhenAll(servers.Select(node => node.IsStandbyAsync(ct)));
        yield return [.. servers.Where((_, i) => !areStandbys[i])];
        yield return [.. servers.Where((_, i) => areStandbys[i])];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var node in All)
        {
            node.Dispose();
        }
    }
}
