using Microsoft.Extensions.Configuration;

namespace DineHub.ServiceDefaults;

/// <summary>Which replica this process is.</summary>
/// <param name="Node">The node's name in the topology (<c>DINEHUB_NODE</c>); the machine's name unless configured.</param>
/// <param name="Region">The region that it runs in (<c>DINEHUB_REGION</c>); "local" unless configured.</param>
public sealed record ServiceIdentity(string Node, string Region)
{
    /// <summary>Reads the identity.</summary>
    /// <param name="configuration">The application's configuration.</param>
    public static ServiceIdentity Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new ServiceIdentity(configuration["DINEHUB_NODE"] ?? Environment.MachineName, configuration["DINEHUB_REGION"] ?? "local");
    }
}
