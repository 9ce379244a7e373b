using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Local;

/// <summary>A .NET service of this solution, ready when its health endpoint says so.</summary>
public abstract class ServiceNode : LocalNode
{
    private protected ServiceNode(Node node, int port, ClusterContext context)
        : base(node, port, context)
    {
    }

    /// <summary>Where it is reached.</summary>
    public Uri Url => new(Address);

    /// <inheritdoc/>
    public override string Address => AddressOf(Port);

    private protected abstract Uri HealthUrl { get; }

    private protected static string AddressOf(int port) => $"http://{Host}:{port}";

    private protected override async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            using var response = await ClusterContext.Http.GetAsync(HealthUrl, ct);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }
}
