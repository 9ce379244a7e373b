using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace DineHub.AppHost.Composition;

/// <summary>What the composition says about a resource more than once.</summary>
internal static class ResourceBuilderExtensions
{
    private const string Dashboard = "aspire-dashboard";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private static readonly string[] Exporter = [Endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS"];

    /// <summary>Sets variables.</summary>
    public static IResourceBuilder<T> With<T>(this IResourceBuilder<T> builder, IEnumerable<KeyValuePair<string, string>> environment)
        where T : IResourceWithEnvironment
    {
        var variables = environment.ToList();
        return builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in variables)
            {
                context.EnvironmentVariables[name] = value;
            }
        });
    }

    /// <summary>
    /// Sends telemetry to the collector that this process was told of, else to the dashboard. Where there is no dashboard, none is sent: a service would
    /// wait for an answer when it ends.
    /// </summary>
    public static IResourceBuilder<T> WithTelemetryOfTheHost<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            var hasCollector = Environment.GetEnvironmentVariable(Endpoint) is { Length: > 0 };
            if (!hasCollector && builder.ApplicationBuilder.Resources.Any(resource => resource.Name == Dashboard))
            {
                return;
            }

            foreach (var name in Exporter)
            {
                context.EnvironmentVariables.Remove(name);
                if (hasCollector && Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
                {
                    context.EnvironmentVariables[name] = value;
                }
            }
        });
}
