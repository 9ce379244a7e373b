namespace DineHub.Topology.Ingress;

/// <summary>The configuration keys of DineHub.Gateway, beside the policy's own.</summary>
public static class GatewaySettings
{
    /// <summary>The port that health and metrics are served at, 1 to 65535.</summary>
    public const string ManagementPort = "Management:Port";

    /// <summary>The path of the file that puts the gateway into maintenance while it exists.</summary>
    public const string MaintenanceFile = "Maintenance:File";

    /// <summary>The section of the backends: one section each, by the backend's name.</summary>
    public const string Destinations = "ReverseProxy:Clusters:backends:Destinations";

    /// <summary>A backend's URL, below its section.</summary>
    public const string Address = "Address";

    /// <summary>The name of a backend's region among its metadata.</summary>
    public const string Region = "Region";

    /// <summary>A backend's region, below its section.</summary>
    public const string MetadataRegion = "Metadata:" + Region;

    /// <summary>The environment variable that has a key's value: <c>Management__Port</c>.</summary>
    /// <param name="key">The key: <c>Management:Port</c>.</param>
    public static string VariableOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Replace(":", "__", StringComparison.Ordinal);
    }
}
