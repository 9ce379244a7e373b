using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Hosting;

namespace DineHub.Tests.Aspire;

/// <summary>The application's model. It is never built: the AppHost would go on and start it.</summary>
internal sealed class AspireModel : IAsyncDisposable
{
    private readonly IDistributedApplicationBuilder builder;

    public AspireModel(IDistributedApplicationBuilder builder) => this.builder = builder;

    public IResourceCollection Resources => builder.Resources;

    public IHostEnvironment Environment => builder.Environment;

    public static async Task<AspireModel> CreateAsync(params string[] arguments) =>
        new(await DistributedApplicationTestingBuilder.CreateAsync<Projects.DineHub_AppHost>(arguments));

    public IResource Resource(string name) => Resources.Single(resource => resource.Name == name);

    /// <summary>Whom a resource waits for, and what for. Waiting for a worker is waiting for its cluster, too.</summary>
    public IReadOnlyDictionary<string, WaitType> Waits(string name) => Resource(name).Annotations.OfType<WaitAnnotation>()
        .DistinctBy(wait => (wait.Resource.Name, wait.WaitType)).ToDictionary(wait => wait.Resource.Name, wait => wait.WaitType);

    public IReadOnlyDictionary<string, EndpointAnnotation> Endpoints(string name) =>
        Resource(name).Annotations.OfType<EndpointAnnotation>().ToDictionary(endpoint => endpoint.Name);

    /// <summary>What a resource gets in its environment: texts as they are, all else as the manifest would name it.</summary>
    public async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(string name)
    {
        var resource = Resource(name);
        var values = new Dictionary<string, object>();
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, resource, values, CancellationToken.None);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
        {
            await annotation.Callback(context);
        }

        return values.ToDictionary(pair => pair.Key, pair => pair.Value is IManifestExpressionProvider expression ? expression.ValueExpression : pair.Value.ToString()!);
    }

    /// <summary>The arguments of a resource.</summary>
    public async Task<IReadOnlyList<string>> ArgumentsAsync(string name)
    {
        var arguments = new List<object>();
        var context = new CommandLineArgsCallbackContext(arguments, Resource(name));
        foreach (var annotation in Resource(name).Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
        {
            await annotation.Callback(context);
        }

        return [.. arguments.Select(argument => argument.ToString()!)];
    }

    public ValueTask DisposeAsync() => builder is IAsyncDisposable disposable ? disposable.DisposeAsync() : ValueTask.CompletedTask;
}
