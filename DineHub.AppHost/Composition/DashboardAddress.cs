using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Composition;

/// <summary>Where the dashboard listens: HTTP, since a machine need not have a development certificate, and other ports where another AppHost has these.</summary>
internal static class DashboardAddress
{
    private const string Frontend = "ASPNETCORE_URLS";

    private static readonly (string Key, int Port)[] Defaults =
    [
        (Frontend, 18888),
        ("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", 18889),
        ("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", 18890),
    ];

    /// <summary>Sets the addresses that are not configured.</summary>
    /// <param name="configuration">The application's configuration.</param>
    public static void Configure(IConfigurationManager configuration)
    {
        foreach (var (key, port) in Defaults)
        {
            if (string.IsNullOrEmpty(configuration[key]))
            {
                configuration[key] = FormattableString.Invariant($"http://localhost:{(PortAllocator.IsFree(port) ? port : PortAllocator.AnyFree())}");
            }
        }
    }

    /// <summary>The link that signs a browser in; null where there is no dashboard.</summary>
    /// <param name="configuration">The application's configuration.</param>
    public static string? SignInLink(IConfiguration configuration) =>
        configuration[Frontend]?.Split(';')[0] is { Length: > 0 } url
            ? configuration["AppHost:BrowserToken"] is { Length: > 0 } token ? $"{url.TrimEnd('/')}/login?t={token}" : url
            : null;
}
