using DineHub.Gateway.Balancing;
using DineHub.Gateway.Proxying;
using DineHub.Gateway.Requests;
using DineHub.Gateway.Retries;
using DineHub.ServiceDefaults;
using DineHub.Topology.Configuration;
using DineHub.Topology.Ingress;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Timeouts;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;

namespace DineHub.Gateway;

/// <summary>Puts the gateway together.</summary>
internal static class GatewayApplication
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceDefaults();
        var policy = IngressSettings.Read(builder.Configuration.GetSection(IngressSettings.Section), []);
        builder.WebHost.ConfigureKestrel(kestrel => Listening.Configure(kestrel, policy));

        var services = builder.Services;
        services.AddSingleton(policy).AddSingleton(TimeProvider.System).AddSingleton<GatewayMetrics>().AddSingleton<IMemoryPoolFactory<byte>, OutputBlocks>();
        services.AddRequestFaultHandler();
        services.PostConfigure<ProblemDetailsOptions>(problems => ResponseHeaders.NameProblems(problems, policy));
        services.AddHealthChecks().AddCheck<BackendsHealthCheck>("backends", tags: ["ready"]);
        services.AddHttpsRedirection(redirect => redirect.RedirectStatusCode = StatusCodes.Status308PermanentRedirect);
        services.AddHsts(hsts =>
        {
            hsts.MaxAge = TimeSpan.FromSeconds(policy.HstsSeconds);
            hsts.IncludeSubDomains = true;
        });
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(policy.DrainSeconds));
        services.AddSingleton<Maintenance>().AddSingleton<ClientRates>().AddSingleton<RequestBodies>().AddSingleton<RetryBudget>();
        services.AddSingleton<ILoadBalancingPolicy, NearestRegionPolicy>();
        services.AddSingleton<IPassiveHealthCheckPolicy, FailureEjectionPolicy>();
        services.AddReverseProxy()
            .LoadFromMemory(IngressRoutes.All, [])
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .AddConfigFilter<PolicyFilter>()
            .ConfigureHttpClient((_, handler) =>
            {
                handler.ConnectTimeout = TimeSpan.FromMilliseconds(policy.ConnectTimeoutMilliseconds);
                handler.MaxResponseHeadersLength = IngressHeaders.MaxResponseHeadKibibytes;
            })
            .AddTransforms(HeaderTransforms.Add);

        var app = builder.Build();
        var management = ManagementPort.Read(app.Configuration);
        app.Use(ResponseHeaders.Complete(app));
        app.UseServiceDefaults();
        app.UseWhen(http => !ManagementPort.ReceivedBy(http, management), Public(policy));
        app.Use(ManagementPort.Isolate(management));
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
        var ingress = new List<ConfigurationError>();
        _ = IngressSettings.Read(configuration.GetSection(IngressSettings.Section), ingress);
        var errors = ingress.Select(error => error.ToString()).ToList();
        if (ManagementPort.Read(configuration) is null)
        {
            errors.Add($"{GatewaySettings.ManagementPort}: must be the port of ASPNETCORE_URLS for health and metrics, 1 to 65535.");
        }

        var destinations = configuration.GetSection(GatewaySettings.Destinations).GetChildren().ToList();
        if (destinations.Count == 0)
        {
            errors.Add($"{GatewaySettings.Destinations}: at least one backend is required ({GatewaySettings.Destinations}:NAME:Address, :Metadata:Region).");
        }

        foreach (var destination in destinations)
        {
            if (!Uri.TryCreate(destination[GatewaySettings.Address], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                errors.Add($"{destination.Path}:{GatewaySettings.Address}: must be an http or https URL.");
            }

            if (string.IsNullOrWhiteSpace(destination[GatewaySettings.MetadataRegion]))
            {
                errors.Add($"{destination.Path}:{GatewaySettings.MetadataRegion}: is required.");
            }
        }

        return errors;
    }

    private static Action<IApplicationBuilder> Public(IngressPolicy policy) => app =>
    {
        app.Use(RequestGuard.RequireHostAsync);
        app.UseHttpsRedirection();
        if (policy.HstsSeconds > 0)
        {
            app.UseHsts();
        }

        app.Use(RequestGuard.InvokeAsync);

        // Not by UseMiddleware, which would make a scope of services for each request.
        var services = app.ApplicationServices;
        app.Use(services.GetRequiredService<Maintenance>().InvokeAsync);
        app.Use(services.GetRequiredService<ClientRates>().InvokeAsync);
        app.Use(services.GetRequiredService<RequestBodies>().InvokeAsync);
    };
}
