using DineHub.Api.Accounts;
using DineHub.Api.Accounts.Keys;
using DineHub.Api.Contract;
using DineHub.Api.Data;
using DineHub.Api.Http;
using DineHub.Api.Http.Caching;
using DineHub.Api.Http.Errors;
using DineHub.Api.Images;
using DineHub.Api.Kitchens;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Reports;
using DineHub.Api.Restaurants;
using DineHub.Database.Locality;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.HttpOverrides;

namespace DineHub.Api;

/// <summary>Puts the API together.</summary>
internal static class ApiApplication
{
    // A menu of 500 items is some 200 kB.
    private const long MaxBodyBytes = 512 * 1024;
    private const long MaxCacheSize = 2000;

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddServiceDefaults();
        builder.AddWebApp();
        builder.AddDatabase();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
        });

        var services = builder.Services;
        services.AddExceptionHandler<DatabaseUnavailableHandler>().AddRequestFaultHandler();
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.NumberHandling = ApiJson.Default.Options.NumberHandling;
            json.SerializerOptions.AllowDuplicateProperties = ApiJson.Default.Options.AllowDuplicateProperties;
            json.SerializerOptions.DefaultIgnoreCondition = ApiJson.Default.Options.DefaultIgnoreCondition;
            json.SerializerOptions.Converters.Add(new StrictEnumConverter<DayOfWeek>());
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });
        services.Configure<RouteHandlerOptions>(routing => routing.ThrowOnBadRequest = true);

        // The ingress is the only one that reaches this; it replaces what clients say of where they come from.
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
        });
        services.AddMemoryCache(cache => cache.SizeLimit = MaxCacheSize);
        services.AddSingleton(TimeProvider.System);
        services.AddCompressedResponses();
        services.AddApiDocument();
        services.AddAccounts(builder.Configuration);
        services.AddImages(builder.Configuration, MasterKey.TryRead(builder.Configuration)?.Derive("images") ?? new byte[MasterKey.Bytes]);
        services.AddSingleton<RestaurantDirectory>().AddSingleton<RestaurantIds>().AddSingleton<KitchenStore>().AddSingleton<KitchenListing>();
        services.AddSingleton<MenuCatalog>().AddSingleton<MenuStore>().AddSingleton<StockStore>().AddSingleton<IRestaurantMenus, RestaurantMenus>();
        services.AddSingleton<OrderStore>().AddSingleton<OrderPlacement>().AddSingleton<OrderHistory>();
        services.AddSingleton<OpenOrders>().AddSingleton<OrderFeed>().AddSingleton<OrderStreams>();
        services.AddSingleton<KitchenChange>();
        services.AddSingleton<ReportStore>();
        services.AddHostedService<OrderUpkeep>().AddHostedService(provider => provider.GetRequiredService<KitchenListing>());

        var app = builder.Build();
        app.UseForwardedHeaders();
        app.UseWebApp();
        app.UseServedBy();
        app.UseCacheRules();
        app.UseBufferedResponses();
        app.UseServiceDefaults();
        app.UseCompressedResponses();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapDefaultEndpoints();
        app.MapWebApp();
        app.MapOpenApi().AllowAnonymous().WithCacheRule(CacheRule.Revalidate).Compressed();
        app.MapGroup("/api/v1").MapRestaurants().MapMenus().MapImages().MapOrders().MapKitchens().MapReports().MapStaff().MapSessions().MapAccounts();
        return app;
    }

    /// <summary>What keeps the API from starting, each with its configuration key.</summary>
    public static IReadOnlyList<string> ConfigurationErrors(IConfiguration configuration)
    {
        var errors = new List<string>(DatabaseServices.ConfigurationErrors(configuration));
        if (configuration[OperatorKeyOptions.ConfigurationKey] is { Length: < OperatorKeyOptions.MinKeyLength })
        {
            errors.Add($"{OperatorKeyOptions.ConfigurationKey}: must have at least {OperatorKeyOptions.MinKeyLength} characters.");
        }

        if (MasterKey.TryRead(configuration) is null)
        {
            errors.Add($"{MasterKey.ConfigurationKey}: must be {MasterKey.Bytes} random bytes in Base64, the same for all replicas ('openssl rand -base64 {MasterKey.Bytes}').");
        }

        if (!OrderUpkeep.IsInterval(configuration[OrderUpkeep.IntervalKey]))
        {
            errors.Add($"{OrderUpkeep.IntervalKey}: must be a number of seconds from 0.1 to 300.");
        }

        errors.AddRange(ImageServices.ConfigurationErrors(configuration));
        return errors;
    }
}
