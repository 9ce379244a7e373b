using System.Globalization;
using Aspire.Hosting.Pipelines;
using DineHub.AppHost.NixOS;
using DineHub.AppHost.Publishing;
using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>NixOS machines on a mesh, as <c>publish</c> writes them: the very publisher, so that both write the same files.</summary>
public sealed class NixOSEnvironmentResource : Resource, IComputeEnvironmentResource
{
    /// <summary>Makes an environment with its two steps: <c>prepare-deployment-targets-{name}</c> and <c>publish-{name}</c>.</summary>
    /// <param name="name">The environment's name.</param>
    /// <param name="source">Where the topology is read from.</param>
    public NixOSEnvironmentResource(string name, TopologySource source)
        : base(name)
    {
        Source = source;
        Annotations.Add(new PipelineStepAnnotation(_ => Steps()));
    }

    /// <summary>Where the topology is read from, with what this environment has changed of it.</summary>
    public TopologySource Source { get; internal set; }

    /// <summary>The machine's name on the mesh.</summary>
    /// <param name="endpointReference">An endpoint of a resource that stands for nodes of the topology; the first node answers.</param>
    public ReferenceExpression GetHostAddressExpression(EndpointReference endpointReference)
    {
        ArgumentNullException.ThrowIfNull(endpointReference);
        return ReferenceExpression.Create($"{NodesOf(endpointReference.Resource)[0].Fqdn}");
    }

    /// <summary>A property of an endpoint as machines have it: names of the mesh, and the ports of the access policy.</summary>
    /// <param name="endpointReferenceExpression">The endpoint and the property.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such property.</exception>
    public ReferenceExpression GetEndpointPropertyExpression(EndpointReferenceExpression endpointReferenceExpression)
    {
        ArgumentNullException.ThrowIfNull(endpointReferenceExpression);
        var endpoint = endpointReferenceExpression.Endpoint;
        var node = NodesOf(endpoint.Resource)[0];
        var port = PortOf(node, endpoint.EndpointName).ToString(CultureInfo.InvariantCulture);
        var scheme = endpoint.Scheme;
        return endpointReferenceExpression.Property switch
        {
            EndpointProperty.Host or EndpointProperty.IPV4Host => ReferenceExpression.Create($"{node.Fqdn}"),
            EndpointProperty.Port or EndpointProperty.TargetPort => ReferenceExpression.Create($"{port}"),
            EndpointProperty.Scheme => ReferenceExpression.Create($"{scheme}"),
            EndpointProperty.HostAndPort => ReferenceExpression.Create($"{node.Fqdn}:{port}"),
            EndpointProperty.Url => ReferenceExpression.Create($"{scheme}://{node.Fqdn}:{port}"),
            EndpointProperty.TlsEnabled => ReferenceExpression.Create($"{(endpoint.TlsEnabled ? bool.TrueString : bool.FalseString)}"),
            _ => throw new ArgumentOutOfRangeException(
                nameof(endpointReferenceExpression), endpointReferenceExpression.Property, "Endpoints have no such property."),
        };
    }

    private static int PortOf(Node node, string endpoint) => node.Role switch
    {
        Role.Backend => Ports.Backend,
        Role.Ingress => endpoint == "https" ? Ports.Https : Ports.Http,
        _ => Ports.Postgres,
    };

    private static IReadOnlyList<Node> NodesOf(IResource resource) =>
        resource.TryGetLastAnnotation<TopologyNodesAnnotation>(out var annotation)
            ? annotation.Nodes
            : throw new InvalidOperationException(
                $"'{resource.Name}' stands for no node of the topology, so there is no machine for it. Exclude it from what is published: ExcludeFromManifest().");

    private IEnumerable<PipelineStep> Steps()
    {
        var prepare = new PipelineStep
        {
            Name = $"prepare-deployment-targets-{Name}",
            Description = $"Assigns resources to the NixOS machines of {Name}.",
            Action = PrepareAsync,
        };
        prepare.DependsOn(WellKnownPipelineSteps.ValidateComputeEnvironments);
        prepare.RequiredBy(WellKnownPipelineSteps.BeforeStart);
        var publish = new PipelineStep
        {
            Name = $"publish-{Name}",
            Description = $"Writes the NixOS hosts, Terraform, mesh policy and monitoring of {Name}.",
            Action = PublishAsync,
        };
        publish.RequiredBy(WellKnownPipelineSteps.Publish);
        return [prepare, publish];
    }

    private Task PrepareAsync(PipelineStepContext context)
    {
        foreach (var resource in context.Model.GetComputeResources().Where(resource => resource.GetDeploymentTargetAnnotation(this) is null))
        {
            resource.Annotations.Add(new DeploymentTargetAnnotation(new NixOSHostResource(resource, NodesOf(resource), this)) { ComputeEnvironment = this });
        }

        return Task.CompletedTask;
    }

    private async Task PublishAsync(PipelineStepContext context)
    {
        var ct = context.CancellationToken;
        var output = OutputDirectory(context);
        await using var task = await context.ReportingStep.CreateTaskAsync($"Writing {Name} to {output}", ct);
        try
        {
            var topology = Customize(Source.Load(), context.Model);
            var publication = Publication.Of(topology, output);
            new PublicationFolder(output).Apply(publication.Differences);
            await task.CompleteAsync(
                string.Create(CultureInfo.InvariantCulture, $"{publication.Files.Count} files, {publication.Differences.Count} new, changed or removed"),
                CompletionState.Completed,
                ct);
            context.Logger.Published(Name, publication.Files.Count, output);
            context.Summary.Add("Folder", output);
            context.Summary.Add("Machines", string.Join(", ", topology.Nodes.Select(node => node.Name)));
            context.Summary.Add("Secrets", "none is written: 'dotnet run --project DineHub.AppHost -- secrets list' lists the required ones");
        }
        catch (Exception e) when (e is TopologyException or InvalidDataException or IOException)
        {
            await task.CompleteAsync(e.Message, CompletionState.CompletedWithError, ct);
            throw;
        }
    }

    private ClusterTopology Customize(ClusterTopology topology, DistributedApplicationModel model)
    {
        var options = new List<NodeOption>();
        foreach (var resource in model.GetComputeResources())
        {
            if (!resource.TryGetAnnotationsOfType<NixOSHostCustomizationAnnotation>(out var customizations))
            {
                continue;
            }

            // What a region less has taken away cannot be customised.
            var target = new NixOSHostResource(resource, [.. NodesOf(resource).Where(node => topology.Nodes.Any(kept => kept.Name == node.Name))], this);
            foreach (var node in target.Nodes)
            {
                var host = new NixOSHost(node);
                foreach (var customization in customizations)
                {
                    customization.Configure(target, host);
                }

                options.AddRange(host.Options);
            }
        }

        return options.Count == 0 ? topology : topology.WithNodeOptions(options);
    }

    private string OutputDirectory(PipelineStepContext context)
    {
        var service = context.Services.GetRequiredService<IPipelineOutputService>();
        return context.Model.Resources.OfType<IComputeEnvironmentResource>().Count() > 1 ? service.GetOutputDirectory(this) : service.GetOutputDirectory();
    }
}
