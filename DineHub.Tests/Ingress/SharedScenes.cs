using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>One scene for each kind of ingress, with one backend, for the cases of a class that leave nothing behind.</summary>
public sealed class SharedScenes : IAsyncLifetime
{
    // A read that waits for more bytes ends by a timeout, which the cases accept.
    private static readonly IngressPolicy Hasty = IngressScene.Policy with { RequestHeadersTimeoutSeconds = 3, RequestBodyTimeoutSeconds = 3, IdleTimeoutSeconds = 4 };

    private readonly Dictionary<IngressKind, IngressScene> scenes = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var scene in scenes.Values)
        {
            await scene.DisposeAsync();
        }
    }

    /// <summary>The scene of a kind, as if it were new.</summary>
    internal async Task<IngressScene> GetAsync(IngressKind kind)
    {
        if (!scenes.TryGetValue(kind, out var scene))
        {
            scene = await IngressScene.StartAsync(kind, Hasty, "eu-1");
            scenes.Add(kind, scene);
        }

        scene["eu-1"].Script = BackendScripts.Normal;
        scene["eu-1"].Forget();
        return scene;
    }
}
