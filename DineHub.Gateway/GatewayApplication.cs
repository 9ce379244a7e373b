using System.Globalization;
using DineHub.Gateway.Balancing;
using DineHub.Gateway.Retries;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms;

namespace DineHub.Gateway;

/// <summary>Puts the gateway together.</summary>
internal static class GatewayApplication
{
    public const long MostBodyBytes = 1024 * 1024;
    public const string NodeHeader = "X-DineHub-Gateway";
    private const string Destinations = "ReverseProxy:Clusters:backends:Destinations";
    private const string ManagementPort = "Management:Port";
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(2);

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceDefaults();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
        });

        var services = builder.Services;
        services.AddRequestFaultHandler();
        services.AddHealthChecks().AddCheck<BackendsHealthCheck>("backends", tags: ["ready"]);
        services.AddSingleton<RetryBudget>();
        services.AddSingleton<ILoadBalancingPolicy, NearestRegionPolicy>();
        services.AddSingleton<IPassiveHealthCheckPolicy, ConnectionFailurePolicy>();
        services.AddReverseProxy()
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .ConfigureHttpClient((_, handler) => handler.ConnectTimeout = ConnectDeadline)
            .AddTransforms(context =>
            {
                // What a client says of where it comes from is replaced, never passed on.
                context.AddXForwarded(ForwardedTransformActions.Set);
                context.AddRequestHeaderRemove("Forwarded");
                context.AddRequestHeaderRemove("X-Real-IP");
                context.AddResponseHeaderRemove("Server");
            });

        var app = builder.Build();
        app.Use(SetHeaders(app));
        app.UseServiceDefaults();
        app.Use(KeepManagementApart(app.Configuration));
        app.Use(RefuseLargeBodies);
        app.Use(EndStreamsOnStop(app.Lifetime));
        app.MapDefaultEndpoints();
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<RetryMiddleware>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }).WithMetadata(new DisableRequestTimeoutAttribute());
        return app;
    }

    /// <summary>What keeps the gateway from starting, each with its configuration key.</summary>
    public static IReadOnlyList<string> ConfigurationErrors(IConfiguration configuration)
    {
        var errors = new List<string>();
        if (ReadManagementPort(configuration) is null)
        {
            errors.Add($"{ManagementPort}: must be the port of ASPNETCORE_URLS that health and metrics are asked for at, 1 to 65535.");
        }

        var destinations = configuration.GetSection(Destinations).GetChildren().ToList();
        if (destinations.Count == 0)
        {
            errors.Add($"{Destinations}: at least one backend is required ({Destinations}:NAME:Address, :Metadata:Region).");
        }

        foreach (var destination in destinations)
        {
            if (!Uri.TryCreate(destination["Address"], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                errors.Add($"{destination.Path}:Address: must be an http or https URL.");
            }

            if (string.IsNullOrWhiteSpace(destination[$"Metadata:{NearestRegionPolicy.RegionKey}"]))
            {
                errors.Add($"{destination.Path}:Metadata:{NearestRegionPolicy.RegionKey}: is required.");
            }
        }

        return errors;
    }

    private static int? ReadManagementPort(IConfiguration configuration) =>
        int.TryParse(configuration[ManagementPort], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null;

    // By the port that the connection came in on, which a client cannot choose, and not by the Host header, which it can.
    private static Func<HttpContext, RequestDelegate, Task> KeepManagementApart(IConfiguration configuration)
    {
        var port = ReadManagementPort(configuration);
        return (http, next) =>
        {
            if ((http.Connection.LocalPort == port) == IsForManagement(http.Request.Path))
            {
                return next(http);
            }

            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        };
    }

    private static bool IsForManagement(PathString path) => path.StartsWithSegments("/health") || path.StartsWithSegments("/metrics");

    private static Task RefuseLargeBodies(HttpContext http, RequestDelegate next)
    {
        if (http.Request.ContentLength is not > MostBodyBytes)
        {
            return next(http);
        }

        // A connection that is reset while the client still sends would take the answer with it. With the limit off, Kestrel reads
        // and drops the rest for up to 5 seconds, as nginx does (lingering_close).
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        return Task.CompletedTask;
    }

    // A stream has no end to wait for; whoever reads it comes back, to another gateway.
    private static Func<HttpContext, RequestDelegate, Task> EndStreamsOnStop(IHostApplicationLifetime lifetime) => (http, next) =>
    {
        http.Response.OnStarting(() =>
        {
            if (http.Response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) is true)
            {
                http.Response.RegisterForDispose(lifetime.ApplicationStopping.Register(http.Abort));
            }

            return Task.CompletedTask;
        });
        return next(http);
    };

    private static Func<HttpContext, RequestDelegate, Task> SetHeaders(WebApplication app)
    {
        var identity = app.Services.GetRequiredService<ServiceIdentity>();
        var development = app.Environment.IsDevelopment();
        return (http, next) =>
        {
            http.Response.OnStarting(() =>
            {
                var headers = http.Response.Headers;
                headers.XContentTypeOptions = "nosniff";
                headers.XFrameOptions = "DENY";
                headers["Referrer-Policy"] = "no-referrer";
                if (headers.ContentSecurityPolicy.Count == 0)
                {
                    headers.ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'";
                }

                if (development)
                {
                    headers[NodeHeader] = identity.Node;
                }

                return Task.CompletedTask;
            });
            return next(http);
        };
    }
}
