using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace DineHub.AppHost.Running;

/// <summary>Writes what resources print to a file each, and passes each line on.</summary>
/// <param name="nodes">The nodes, with their logs.</param>
/// <param name="programs">The logs of programs that run once.</param>
/// <param name="notifications">Aspire's news of resources.</param>
/// <param name="logs">Aspire's logs of resources.</param>
internal sealed partial class ResourceLogs(ClusterNodes nodes, ProgramLogs programs, ResourceNotificationService notifications, ResourceLoggerService logs)
    : FollowingService
{
    private readonly Dictionary<string, NodeLog> files =
        nodes.All.Select(node => KeyValuePair.Create(node.Name, node.Log)).Concat(programs.All.Select(program => KeyValuePair.Create(program.Key, program.Value.Log))).ToDictionary();


    /// <summary>Is called for each line, with the name of the resource, from any thread.</summary>
    public event Action<string, string>? LineWritten;

    // Aspire keeps a log under the instance's name in DCP, which is known when the resource is first heard of.
    protected override async Task FollowAsync()
    {
        var known = new Dictionary<string, Task>();
        try
        {
            await foreach (var news in notifications.WatchAsync(Ending))
            {
                if (files.TryGetValue(news.Resource.Name, out var log) && !known.ContainsKey(news.ResourceId) && news.ResourceId != news.Resource.Name)
                {
                    known.Add(news.ResourceId, FollowAsync(news.ResourceId, news.Resource.Name, log));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The application has ended.
        }

        await Task.WhenAll(known.Values);
    }

    private async Task FollowAsync(string resourceId, string name, NodeLog log)
    {
        try
        {
            await foreach (var batch in logs.WatchAsync(resourceId).WithCancellation(Ending))
            {
                foreach (var line in batch)
                {
                    // The file has a time of its own, and colors are for the dashboard.
                    var text = Color().Replace(Timestamp().Replace(line.Content, "", 1), "");
                    if (text.Length > 0)
                    {
                        log.Write(text);
                        LineWritten?.Invoke(name, text);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The application has ended.
        }
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) ")]
    private static partial Regex Timestamp();

    [GeneratedRegex(@"\x1B\[[0-9;]*m")]
    private static partial Regex Color();
}

/// <summary>A program that must succeed once with the cluster.</summary>
/// <param name="Title">What it is called in messages.</param>
/// <param name="Log">Its output.</param>
internal sealed record OneTimeProgram(string Title, NodeLog Log);

/// <summary>The programs that must succeed once with the cluster: the migration, the example restaurants, the build of an image.</summary>
/// <param name="all">The programs by their resources' names.</param>
internal sealed class ProgramLogs(IReadOnlyDictionary<string, OneTimeProgram> all) : IDisposable
{
    /// <summary>The programs by their resources' names.</summary>
    public IReadOnlyDictionary<string, OneTimeProgram> All { get; } = all;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var program in All.Values)
        {
            program.Log.Dispose();
        }
    }
}
