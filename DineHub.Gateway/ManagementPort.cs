using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.Gateway;

/// <summary>The port of health and metrics, and of nothing else; the public ports serve everything else.</summary>
internal static class ManagementPort
{
    public static int? Read(IConfiguration configuration) =>
        int.TryParse(configuration[GatewaySettings.ManagementPort], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null;

    /// <summary>Whether the request arrived on that port. The port is certain; the Host header is the client's choice.</summary>
    public static bool ReceivedBy(HttpContext http, int? port) => http.Connection.LocalPort == port;

    /// <summary>Returns 404 for health and metrics on public ports, and for everything else on the management port.</summary>
    public static Func<HttpContext, RequestDelegate, Task> Isolate(int? port) => (http, next) =>
    {
        if (ReceivedBy(http, port) == IsForManagement(http.Request.Path))
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    };

    private static bool IsForManagement(PathString path) => path.StartsWithSegments("/health") || path.StartsWithSegments("/metrics");
}
