using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.NixOS;
using DineHub.Topology;
using DineHub.Topology.Configuration;

namespace Aspire.Hosting;

/// <summary>Publishes an application as NixOS machines.</summary>
public static class NixOSEnvironmentExtensions
{
    /// <summary>Adds an environment of NixOS machines. While the application runs it is no part of the model.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The environment's name: <c>production</c>.</param>
    /// <param name="source">Where the topology is read from; <c>dinehub.json</c> where nothing is given.</param>
    public static IResourceBuilder<NixOSEnvironmentResource> AddNixOSEnvironment(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, TopologySource? source = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var resource = new NixOSEnvironmentResource(name, source ?? TopologySource.Default);
        return builder.ExecutionContext.IsRunMode ? builder.CreateResourceBuilder(resource) : builder.AddResource(resource);
    }

    /// <summary>Publishes for another public domain than the topology's.</summary>
    /// <param name="builder">The environment.</param>
    /// <param name="domain">The DNS name that customers use.</param>
    public static IResourceBuilder<NixOSEnvironmentResource> WithDomain(this IResourceBuilder<NixOSEnvironmentResource> builder, string domain)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(domain);
        var source = builder.Resource.Source;
        builder.Resource.Source = source with { Overrides = [.. source.Overrides, KeyValuePair.Create<string, string?>("Domain", domain)] };
        return builder;
    }

    /// <summary>Publishes some regions of the topology only, with the workers that stand in them.</summary>
    /// <param name="builder">The environment.</param>
    /// <param name="regions">The regions' names.</param>
    public static IResourceBuilder<NixOSEnvironmentResource> WithRegions(this IResourceBuilder<NixOSEnvironmentResource> builder, params string[] regions)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(regions);
        builder.Resource.Source = builder.Resource.Source with { Regions = regions };
        return builder;
    }

    /// <summary>Changes the machines that a resource is published as. While the application runs it does nothing.</summary>
    /// <typeparam name="T">The kind of resource.</typeparam>
    /// <param name="builder">The resource.</param>
    /// <param name="configure">Is called for each machine.</param>
    public static IResourceBuilder<T> PublishAsNixOSHost<T>(this IResourceBuilder<T> builder, Action<NixOSHostResource, NixOSHost> configure)
        where T : IComputeResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        if (!builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return builder;
        }

        builder.ApplicationBuilder.Eventing.Subscribe<BeforeStartEvent>((started, _) =>
        {
            EnsureEnvironment(started.Model);
            return Task.CompletedTask;
        });
        return builder.WithAnnotation(new NixOSHostCustomizationAnnotation(configure));
    }

    /// <summary>Says which nodes of the topology a resource stands for.</summary>
    internal static IResourceBuilder<T> WithTopologyNodes<T>(this IResourceBuilder<T> builder, params IReadOnlyList<Node> nodes)
        where T : IResource => builder.WithAnnotation(new TopologyNodesAnnotation(nodes));

    private static void EnsureEnvironment(DistributedApplicationModel model)
    {
        if (!model.Resources.OfType<NixOSEnvironmentResource>().Any()
            && model.Resources.FirstOrDefault(resource => resource.HasAnnotationOfType<NixOSHostCustomizationAnnotation>()) is { } orphan)
        {
            throw new InvalidOperationException(
                $"'{orphan.Name}' is customised as a NixOS host, but there is no environment of NixOS machines: call {nameof(AddNixOSEnvironment)}.");
        }
    }
}
