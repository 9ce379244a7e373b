using DineHub.Api.Accounts;
using DineHub.Api.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Operations;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using DineHub.Database;
using DineHub.ServiceDefaults;

namespace DineHub.Api;

/// <summary>Puts the API together.</summary>
internal static class ApiApplication
{
    // The largest basket is some 20 kB.
    private const long MostBodyBytes = 256 * 1024;
    private const long MostCachedMenus = 1000;

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceDefaults();
        builder.AddNpgsqlDataSource(DatabaseOptions.DatabaseName);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
        });

        var services = builder.Services;
        services.AddExceptionHandler<DatabaseUnavailableHandler>().AddRequestFaultHandler();
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.NumberHandling = ApiJson.Default.Options.NumberHandling;
            json.SerializerOptions.AllowDuplicateProperties = ApiJson.Default.Options.AllowDuplicateProperties;
            json.SerializerOptions.DefaultIgnoreCondition = ApiJson.Default.Options.DefaultIgnoreCondition;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });
        services.Configure<RouteHandlerOptions>(routing => routing.ThrowOnBadRequest = true);
        services.AddAuthentication(OperatorKeyOptions.Scheme)
            .AddScheme<OperatorKeyOptions, OperatorKeyHandler>(
                OperatorKeyOptions.Scheme, options => options.Key = builder.Configuration[OperatorKeyOptions.ConfigurationKey]);
        services.AddAuthorizationBuilder().AddPolicy(Policies.Staff, policy => policy.RequireRole(Roles.Operator));
        services.AddOpenApi(openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "DineHub";
            document.Info.Version = "v1";

            // The addresses are relative to wherever the document was read: a replica's own address is nobody's business.
            document.Servers?.Clear();
            return Task.CompletedTask;
        }));
        services.AddMemoryCache(cache => cache.SizeLimit = MostCachedMenus);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<RestaurantDirectory>();
        services.AddSingleton<MenuCatalog>();
        services.AddSingleton<OrderStore>();
        services.AddSingleton<OrderPlacement>();

        var app = builder.Build();
        app.UseServedBy();
        app.UseWholeAnswers();
        app.UseServiceDefaults();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapDefaultEndpoints();
        app.MapOpenApi();
        app.MapGroup("/api/v1").MapRestaurants().MapMenus().MapOrders();
        return app;
    }

    /// <summary>What keeps the API from starting, each with its configuration key.</summary>
    public static IReadOnlyList<string> ConfigurationErrors(IConfiguration configuration)
    {
        var errors = new List<string>();
        if (string.IsNullOrWhiteSpace(DataSourceExtensions.FindConnectionString(configuration, DatabaseOptions.DatabaseName)))
        {
            errors.Add($"ConnectionStrings:{DatabaseOptions.DatabaseName}: is required.");
        }

        if (configuration[OperatorKeyOptions.ConfigurationKey] is { Length: < OperatorKeyOptions.ShortestKey })
        {
            errors.Add($"{OperatorKeyOptions.ConfigurationKey}: must have at least {OperatorKeyOptions.ShortestKey} characters.");
        }

        return errors;
    }
}
