using DineHub.ServiceDefaults;

namespace DineHub.Api.Http;

/// <summary>In development each answer tells which replica and region gave it.</summary>
internal static class ServedBy
{
    public const string NodeHeader = "X-DineHub-Node";
    public const string RegionHeader = "X-DineHub-Region";

    public static WebApplication UseServedBy(this WebApplication app)
    {
        if (app.Environment.IsDevelopment())
        {
            var identity = app.Services.GetRequiredService<ServiceIdentity>();
            app.Use((http, next) =>
            {
                http.Response.OnStarting(() =>
                {
                    http.Response.Headers[NodeHeader] = identity.Node;
                    http.Response.Headers[RegionHeader] = identity.Region;
                    return Task.CompletedTask;
                });
                return next(http);
            });
        }

        return app;
    }
}
