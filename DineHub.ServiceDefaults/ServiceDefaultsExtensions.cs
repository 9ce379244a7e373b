using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DineHub.ServiceDefaults;

/// <summary>What every service shares, in the form of Aspire's service defaults: telemetry, health, problem details, deadlines.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>The exit code of a process whose configuration is wrong (sysexits.h: EX_CONFIG).</summary>
    public const int Misconfigured = 78;

    private const string Live = "live";
    private const string Ready = "ready";

    // The clients of longer requests have given up; the database's own deadlines are shorter.
    private static readonly TimeSpan RequestDeadline = TimeSpan.FromSeconds(15);

    // Prometheus gives up after 10 seconds unless configured.
    private static readonly TimeSpan ScrapeDeadline = TimeSpan.FromSeconds(8);

    /// <summary>Registers the shared services. Health checks tagged "ready" decide whether the service is ready.</summary>
    /// <typeparam name="TBuilder">The kind of application.</typeparam>
    /// <param name="builder">The application.</param>
    /// <returns>The same builder.</returns>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddCredentials(builder);
        AddLogging(builder);
        Telemetry.AddTelemetry(builder);
        var services = builder.Services;
        services.AddSingleton(ServiceIdentity.Read(builder.Configuration));
        services.AddHostedService<SystemdNotifier>();
        services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [Live, Ready]);
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Customize);
        services.AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = Deadline(RequestDeadline));
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(20));
        return builder;
    }

    /// <summary>Whether traces, metrics and logs are sent by OTLP: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is configured.</summary>
    /// <param name="configuration">The application's configuration.</param>
    public static bool SendsTelemetry(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Telemetry.Sends(configuration);
    }

    /// <summary>Turns faults and bare status codes into problem+json (RFC 9457), and gives each request its deadline. Comes first.</summary>
    /// <param name="app">The application.</param>
    /// <returns>The same application.</returns>
    public static WebApplication UseServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseExceptionHandler(new ExceptionHandlerOptions { SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages();
        app.UseRequestTimeouts();
        return app;
    }

    /// <summary>
    /// Maps <c>/health/live</c> (the process works: restart it otherwise) and <c>/health/ready</c> (it can serve: send it nothing
    /// otherwise), which answer 200 or 503 with JSON, and <c>/metrics</c>, which answers with Prometheus' text format. All of them are for
    /// inside the mesh only: the ingress does not pass them on.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <returns>The same application.</returns>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        foreach (var tag in new[] { Live, Ready })
        {
            app.MapHealthChecks($"/health/{tag}", new HealthCheckOptions
            {
                Predicate = check => check.Tags.Contains(tag),
                ResponseWriter = HealthResponse.WriteAsync,
            }).AllowAnonymous();
        }

        app.MapGet("/metrics", MetricsAsync).AllowAnonymous().ExcludeFromDescription().WithRequestTimeout(Deadline(ScrapeDeadline));
        return app;
    }

    /// <summary>Runs the application, unless its configuration is wrong: then one message on standard error lists all mistakes.</summary>
    /// <param name="app">The application.</param>
    /// <param name="configurationErrors">Every mistake, with its configuration key.</param>
    /// <returns>The exit code: 0, or <see cref="Misconfigured"/>.</returns>
    public static async Task<int> RunAsync(this WebApplication app, IReadOnlyList<string> configurationErrors)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(configurationErrors);
        if (configurationErrors.Count > 0)
        {
            await Console.Error.WriteLineAsync(
                "The configuration is not valid:" + string.Concat(configurationErrors.Select(error => $"{Environment.NewLine}  {error}")));
            return Misconfigured;
        }

        await app.RunAsync();
        return 0;
    }

    /// <summary>Registers the handler of last resort. Handlers are asked in the order of their registration, so this comes after all others.</summary>
    /// <param name="services">The services.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddRequestFaultHandler(this IServiceCollection services) => services.AddExceptionHandler<RequestFaultHandler>();

    private static async Task<IResult> MetricsAsync(PrometheusMetrics metrics, CancellationToken cancellationToken) =>
        await metrics.CollectAsync(cancellationToken) is { } text
            ? Results.Text(text, PrometheusMetrics.ContentType)
            : Results.StatusCode(StatusCodes.Status503ServiceUnavailable);

    private static RequestTimeoutPolicy Deadline(TimeSpan timeout) =>
        new() { Timeout = timeout, TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable };

    private static void Customize(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        problem.Instance ??= context.HttpContext.Request.Path;
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToString() ?? context.HttpContext.TraceIdentifier;

        // Refused by the framework before anything of ours saw the request.
        (string Field, string Rule)? error = problem.Status switch
        {
            StatusCodes.Status413PayloadTooLarge => ("body", MaxBytes(context.HttpContext) is { } most ? $"must be at most {most} bytes" : "is too large"),
            StatusCodes.Status415UnsupportedMediaType => ("Content-Type", "must be application/json"),
            _ => null,
        };
        if (error is { } named)
        {
            problem.Extensions.TryAdd("errors", new Dictionary<string, string[]> { [named.Field] = [named.Rule] });
        }
    }

    private static long? MaxBytes(HttpContext http) => http.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize;

    // systemd's credentials (systemd.exec(5), "Credentials"): files that only the service can read, named as environment variables would be.
    private static void AddCredentials(IHostApplicationBuilder builder)
    {
        if (builder.Configuration["CREDENTIALS_DIRECTORY"] is { Length: > 0 } directory)
        {
            builder.Configuration.AddKeyPerFile(directory, optional: false);
        }
    }

    private static void AddLogging(IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        if (builder.Environment.IsDevelopment())
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = null;
            });
        }
        else
        {
            builder.Logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
                console.IncludeScopes = true;
            });
        }
    }
}
