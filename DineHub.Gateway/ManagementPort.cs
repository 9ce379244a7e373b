using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.Gateway;

/// <summary>The port that tells health and metrics, and nothing else; the public ports tell everything else.</summary>
internal static class ManagementPort
{
    public static int? Read(IConfiguration configuration) =>
        int.TryParse(configuration[GatewaySettings.ManagementPort], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null;

    /// <summary>Whether a request came in by that port, which a client cannot choose; the Host header it can.</summary>
    public static bool Took(HttpContext http, int? port) => http.Connection.LocalPort == port;

    /// <summary>Keeps what is for operators apart from what is for the public.</summary>
    public static Func<HttpContext, RequestDelegate, Task> KeepApart(int? port) => (http, next) =>
    {
        if (Took(http, port) == IsForManagement(http.Request.Path))
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    };

    private static bool IsForManagement(PathString path) => path.StartsWithSegments("/health") || path.StartsWithSegments("/metrics");
}
