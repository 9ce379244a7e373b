#if USE_ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace DineHub.Tests.Aspire;

/// <summary>The application's model, built and not started.</summary>
internal sealed class AspireModel : IAsyncDisposable
{
    private readonly IDistributedApplicationTestingBuilder builder;

    private AspireModel(IDistributedApplicationTestingBuilder builder, DistributedApplication app)
    {
        this.builder = builder;
        App = app;
    }

    public DistributedApplication App { get; }

    public DistributedApplicationModel Model => App.Services.GetRequiredService<DistributedApplicationModel>();

    public DistributedApplicationExecutionContext Context => App.Services.GetRequiredService<DistributedApplicationExecutionContext>();

    public static async Task<AspireModel> BuildAsync(params string[] arguments)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.DineHub_AppHost>(arguments);
        return new AspireModel(builder, await builder.BuildAsync());
    }

    public IResource Resource(string name) => Model.Resources.Single(resource => resource.Name == name);

    /// <summary>Whom a resource waits for, and what for.</summary>
    public IReadOnlyDictionary<string, WaitType> Waits(string name) =>
        Resource(name).Annotations.OfType<WaitAnnotation>().ToDictionary(wait => wait.Resource.Name, wait => wait.WaitType);

    public IReadOnlyDictionary<string, EndpointAnnotation> Endpoints(string name) =>
        Resource(name).Annotations.OfType<EndpointAnnotation>().ToDictionary(endpoint => endpoint.Name);

    /// <summary>What a resource gets in its environment: texts as they are, all else as the manifest would name it.</summary>
    public async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(string name)
    {
        var resource = Resource(name);
        var values = new Dictionary<string, object>();
        var context = new EnvironmentCallbackContext(Context, resource, values, CancellationToken.None);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
        {
            await annotation.Callback(context);
        }

        return values.ToDictionary(pair => pair.Key, pair => pair.Value is IManifestExpressionProvider expression ? expression.ValueExpression : pair.Value.ToString()!);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        await builder.DisposeAsync();
    }
}
#endif
