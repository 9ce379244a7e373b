using System.Text.Json;
using DineHub.AppHost.Composition;
using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Running;

/// <summary>
/// Keeps <c>cluster.json</c> and <c>db.env</c> in the cluster's folder while it is ready, for programs and people beside it; both are removed at the end.
/// </summary>
/// <param name="layout">The cluster.</param>
/// <param name="nodes">Its nodes.</param>
/// <param name="supervisor">Follows the nodes.</param>
/// <param name="start">Ends when all are ready.</param>
/// <param name="configuration">The application's configuration.</param>
internal sealed class ClusterFiles(ClusterLayout layout, ClusterNodes nodes, NodeSupervisor supervisor, ClusterStart start, IConfiguration configuration) : LifecycleService
{
    private readonly Lock gate = new();
    private bool isWritten;
    private bool hasEnded;

    /// <inheritdoc/>
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = WriteAsync();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StoppedAsync(CancellationToken cancellationToken)
    {
        supervisor.StateChanged -= OnStateChanged;
        lock (gate)
        {
            hasEnded = true;
            File.Delete(layout.Directory.StateFile);
            File.Delete(layout.Directory.DatabaseEnvironmentFile);
        }

        return Task.CompletedTask;
    }

    private async Task WriteAsync()
    {
        await start.Ready.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!start.Ready.IsCompletedSuccessfully)
        {
            return;
        }

        lock (gate)
        {
            if (!hasEnded)
            {
                ClusterDirectory.WriteForOwner(
                    layout.Directory.DatabaseEnvironmentFile, string.Concat(layout.DatabaseEnvironment.Select(pair => $"{pair.Key}='{pair.Value}'\n")));
                isWritten = true;
            }
        }

        supervisor.StateChanged += OnStateChanged;
        WriteState();
    }

    private void OnStateChanged(ClusterNode node) => WriteState();

    private void WriteState()
    {
        lock (gate)
        {
            if (!isWritten || hasEnded)
            {
                return;
            }

            var state = new ClusterState(
                Environment.ProcessId,
                DashboardAddress.SignInLink(configuration),
                [.. nodes.All.Where(node => !node.IsSpare || node.RunId is not null)
                    .Select(node => new NodeSummary(node.Name, node.State, node.ProcessId, node.Address, node.Log.Path, node.Restarts))]);
            ClusterDirectory.WriteForOwner(layout.Directory.StateFile + ".new", JsonSerializer.Serialize(state, LocalJson.Default.ClusterState));
            File.Move(layout.Directory.StateFile + ".new", layout.Directory.StateFile, overwrite: true);
        }
    }
}
