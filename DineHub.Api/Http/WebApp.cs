namespace DineHub.Api.Http;

/// <summary>The web app: the files of wwwroot, with the headers and the compressed copies that the build has made.</summary>
internal static class WebApp
{
    private const string StartPage = "/index.html";
    private const string Reload = "ReloadStaticAssetsAtRuntime";

    public static WebApplicationBuilder AddWebApp(this WebApplicationBuilder builder)
    {
        // What was only built has its files in the source tree; what was published has them beside it.
        builder.WebHost.UseStaticWebAssets();

        // What is served was built, with production's headers: a changed file is seen after the next build.
        builder.Configuration[Reload] ??= "false";
        return builder;
    }

    /// <summary>The start page stands at the root. Comes before what looks at the endpoint.</summary>
    public static WebApplication UseWebApp(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (http.Request.Path == "/")
            {
                http.Request.Path = StartPage;
            }

            return next(http);
        });
        app.UseRouting();
        return app;
    }

    public static WebApplication MapWebApp(this WebApplication app)
    {
        // The API's own list, and not that of whatever program has put it together.
        app.MapStaticAssets(Path.Combine(AppContext.BaseDirectory, $"{typeof(WebApp).Assembly.GetName().Name}.staticwebassets.endpoints.json")).AllowAnonymous();
        return app;
    }
}
